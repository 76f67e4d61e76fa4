"""`tinyops fit`, `compile`, `prove`, `profile` and `boards`: in a process of their own where files
or errors are the result, else in this one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.chip import MODELS
from tinyops.boards.image import load_image
from tinyops.cli.main import main

Capture = pytest.CaptureFixture[str]
TINY = str(MODELS / "tiny.tflite")


def tinyops(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from tinyops.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def printed(capsys: Capture, *arguments: str) -> str:
    """Standard output of a command that succeeds, run in this process."""
    status = main([*arguments])
    done = capsys.readouterr()
    assert status == 0, done.err
    return done.out


@pytest.mark.usefixtures("images_built_once")
def test_fit_shows_all_boards(capsys: Capture) -> None:
    reports = json.loads(printed(capsys, "fit", TINY, "--json"))
    assert len(reports) == 4
    assert all(report["fits"] for report in reports)
    for report in reports:
        assert report["flash_bytes"] == sum(part["bytes"] for part in report["flash_parts"])
        assert report["ram_bytes"] == sum(part["bytes"] for part in report["ram_parts"])


@pytest.mark.usefixtures("images_built_once")
def test_fit_says_what_is_measured_and_what_is_estimated(capsys: Capture) -> None:
    shown = printed(capsys, "fit", TINY, "--board", "nano33ble-sense", "--board", "esp-eye")
    assert max(map(len, shown.splitlines())) <= 80
    rows = [line.split() for line in shown.splitlines()]
    core = [row for row in rows if row[:2] == ["vendor's", "core"]]
    assert [row[4] for row in core] == ["estimated", "estimated"]
    assert core[0][2] == "85,328"
    for name in ("constants", "arena"):
        row = next(row for row in rows if row[:1] == [name])
        assert row[-2] == "measured"
        number = row[-1]
        assert any(row[:1] == [number] for row in rows), "its source is below"


def test_a_model_that_fits_nothing_ends_with_1(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.tflite"
    wrong.write_bytes(b"nothing")
    done = tinyops("fit", str(wrong), "--board", "nano33ble-sense")
    assert done.returncode == 1
    assert "error: wrong.tflite: no TensorFlow Lite model: TFL3 is missing" in done.stderr


def test_compile_leaves_everything_in_the_folder(tmp_path: Path) -> None:
    out = tmp_path / "made"
    done = tinyops("compile", TINY, "--board", "nano33ble-sense", "--out", str(out), "--json")
    assert done.returncode == 0, done.stderr
    described = json.loads((out / "image.json").read_text())
    assert json.loads(done.stdout) == described
    image = load_image((out / "image.bin").read_bytes(), described["offset"])
    assert image.header.project == "tiny"
    for name in ("firmware.elf", "firmware.map", "sources/golden.c", "sources/model/bknn_model.c"):
        assert (out / name).exists(), name


def test_prove_gives_the_figures(capsys: Capture) -> None:
    arguments = ("prove", TINY, "--board", "sparkfun-edge2", "--samples", "5", "--json")
    proof = json.loads(printed(capsys, *arguments))
    assert (proof["board"], proof["target"]) == ("sparkfun-edge2", "sparkfun-edge2-qemu-virtual")
    assert (proof["samples"], proof["mismatches"]) == (5, 0)
    assert min(proof[key] for key in ("instructions_per_inference", "flash_bytes")) > 1000
    assert proof["ram_bytes"] > 8192


def test_profile_names_the_layers_and_their_instructions(capsys: Capture) -> None:
    found = json.loads(printed(capsys, "profile", TINY, "--board", "nano33ble-sense", "--json"))
    assert [step["name"].partition("_conv")[0] for step in found["steps"][:2]] == [
        "tflite_0",
        "tflite_1_depthwise",
    ]
    assert found["instructions"] == sum(step["instructions"] for step in found["steps"]) > 0
    refused = tinyops("profile", TINY, "--board", "esp-eye")
    assert refused.returncode == 1
    assert "nothing can be counted for esp-eye" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("prove", TINY, "--board", "esp"), "no board 'esp'"),
        (("compile", TINY, "--board", "uno", "--out", "."), "no board 'uno'"),
    ],
)
def test_errors_are_short_and_name_the_thing(
    arguments: tuple[str, ...], reason: str, tmp_path: Path
) -> None:
    done = tinyops(*arguments)
    assert done.returncode == 1
    assert reason in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_boards_lists_the_catalogue(capsys: Capture) -> None:
    listed = json.loads(tinyops("boards", "--json").stdout)
    assert {board["name"] for board in listed} >= {"esp-eye", "nano33ble-sense"}
    assert all(board["flash"]["source"] for board in listed)
    assert "nano33ble-sense" in printed(capsys, "boards")
