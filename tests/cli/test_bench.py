"""`tinyops bench`, as a user runs it."""

from __future__ import annotations

import json

import pytest

from tests.support.chip import MODELS
from tinyops.cli.main import main

TINY = str(MODELS / "tiny.tflite")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["bench", *arguments])
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def test_a_board_and_this_host_give_the_same_kind_of_result(
    capsys: pytest.CaptureFixture[str],
) -> None:
    quick = (
        "--min-duration",
        "0.05",
        "--min-queries",
        "10",
        "-s",
        "single-stream",
        "-s",
        "offline",
    )
    status, out, _ = run(
        capsys,
        TINY,
        "--board",
        "sparkfun-edge2",
        "--host",
        *quick,
        "--cycles-per-instruction",
        "1.25",
        "--json",
    )
    assert status == 0
    found = json.loads(out)
    assert found["note"] == "MLPerf-style, not an MLPerf result"
    results = found["results"]
    assert [(one["system"], one["scenario"], one["measured"]) for one in results] == [
        ("sparkfun-edge2", "single-stream", "emulated"),
        ("sparkfun-edge2", "offline", "emulated"),
        ("host, LiteRT", "single-stream", "host-measured"),
        ("host, LiteRT", "offline", "host-measured"),
    ]
    assert len({frozenset(one) for one in results}) == 1, "one type of result"
    latency, rate = results[0]["value"], results[1]["value"]
    assert latency * rate == pytest.approx(1000, rel=1e-4)
    assert "1.25 cycles an instruction, assumed" in results[0]["assumptions"]


def test_the_table_says_what_figures_assume(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, TINY, "--board", "nano33ble-sense", "--latency-bound-ms", "2")
    assert status == 0
    assert out.startswith("MLPerf-style, not an MLPerf result")
    assert max(map(len, out.splitlines())) <= 80
    for word in ("single-stream", "multi-stream", "server", "offline", "emulated", "64 MHz"):
        assert word in out
    assert "with a 99th percentile of at most 2 ms" in out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "nothing to measure on -> give --board B, --host or both"),
        (("--host", "--scenario", "batch"), "no scenario 'batch'"),
        (("--board", "esp-eye"), "esp-eye has no emulator here"),
        (("--board", "uno"), "no board 'uno'"),
    ],
)
def test_errors_are_one_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], reason: str
) -> None:
    status, out, err = run(capsys, TINY, *arguments)
    assert (status, out) == (1, "")
    assert reason in err
    assert len(err.splitlines()) == 1
