"""`tinyops monitor`, against a real S3 server that a real judge has written to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.frame_makers import DEVICE, EPOCH, VERSION, damaged, send
from tests.support.reference_maker import count_frames, release_reference
from tinyops.cli.main import main
from tinyops.monitoring.compaction import compact_frames
from tinyops.monitoring.frame_inbox import FrameFile
from tinyops.monitoring.judge import judge
from tinyops.monitoring.requests import ask_for_labels
from tinyops.projects import load_project
from tinyops.store import ReportKind, Store, layout

pytestmark = pytest.mark.slow

PROJECT = load_project("motor_health")
OTHER = "press-8"


@pytest.fixture(scope="module")
def house(s3_env: dict[str, str]) -> Iterator[Store]:
    """Two devices: one whose inputs moved after a first verdict, one that has just begun."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (s3_env | {"TINYOPS_BUCKET": "monitor-cli", "COLUMNS": "200"}).items():
            patch.setenv(name, value)
        store = Store.from_env()
        store.ensure_bucket()
        release_reference(store, PROJECT.name)
        turn(store, 1, count_frames(1, 4))
        turn(store, 2, count_frames(2, 4, first=4, shift=6.0))
        begun = count_frames(3, 2, device=OTHER)
        turn(store, 3, [begun[0], replace(begun[1], frame=damaged(begun[1].frame))])
        yield store


def turn(store: Store, seq: int, records: list[Any]) -> None:
    """What the monitor DAG does with a file of frames."""
    send(store, records, seq)
    compact_frames(store, PROJECT)
    ask_for_labels(store, PROJECT, judge(store, PROJECT), lambda _: None)  # type: ignore[arg-type]


def run(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["monitor", words[0], "-p", PROJECT.name, *words[1:]]) == 0
    return capsys.readouterr().out


def test_before_the_first_frame(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no verdict yet" in run(capsys, "status")
    assert "no verdicts yet" in run(capsys, "verdicts")
    assert json.loads(run(capsys, "status", "--json")) == {
        "devices": {},
        "requests": [],
        "set_aside": [],
    }
    nothing = {"devices": [], "set_aside": [], "waiting": 0}
    assert json.loads(run(capsys, "frames", "--json")) == nothing


def test_status_says_what_moved_and_what_to_do(
    house: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    said = run(capsys, "status")
    for word in (f"{DEVICE} (virtual)", "data drift", "the inputs moved", OTHER, "1 of 4 frames"):
        assert word in said
    found = json.loads(run(capsys, "status", "--json"))
    [request] = found["requests"]
    assert f"request {request['id']} (data drift): {request['instructions']}" in " ".join(
        said.split()
    )
    verdict = found["devices"][DEVICE]
    assert f"{verdict['statistic']:.1f} of {verdict['threshold']:.1f}" in said
    assert verdict["moved"][0]["feature"] in said
    told = json.loads(run(capsys, "verdicts", "-d", DEVICE, "--json"))
    drifts = [one["at"] for one in told if one["status"] == "data drift"]
    assert verdict["since"] == min(drifts), "the first frame set that drifted"


def test_since_is_when_the_status_began(house: Store, capsys: pytest.CaptureFixture[str]) -> None:
    before = json.loads(run(capsys, "status", "--json"))["devices"][DEVICE]
    send(house, count_frames(4, 4, first=8, shift=6.0), 4)
    compact_frames(house, PROJECT)
    judge(house, PROJECT)
    after = json.loads(run(capsys, "status", "--json"))["devices"][DEVICE]
    assert after["at"] > before["at"]
    assert after["since"] == before["since"]


def test_verdicts_are_listed_newest_first(house: Store, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(run(capsys, "verdicts", "-d", DEVICE, "--json"))
    windows = [one["frames"]["first_window"] for one in found]
    assert windows == sorted(windows, reverse=True)
    assert found[-1]["status"] == "none"
    [newest] = json.loads(run(capsys, "verdicts", "--device", DEVICE, "--last", "1", "--json"))
    assert newest == found[0]
    said = run(capsys, "verdicts")
    assert DEVICE in said
    assert OTHER in said


def test_frames_shows_what_came_and_what_was_set_aside(
    house: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    # What ingest sets aside lies in the same folder.
    house.put_json(layout.quarantine_reason(PROJECT.name, "frames-of-motors"), {})
    found = json.loads(run(capsys, "frames", "--json"))
    rows = {row["device"]: row for row in found["devices"]}
    assert rows[OTHER]["frames"] == 1
    assert rows[DEVICE]["version"] == VERSION
    assert rows[DEVICE]["epochs"] == 1
    [aside] = found["set_aside"]
    assert FrameFile.from_id(aside["file"]).seq == 3
    assert aside["counts"] == {"wrong CRC": 1}
    send(house, count_frames(9, 1, epoch=EPOCH + 5, device="press-9"), seq=9)
    said = run(capsys, "frames")
    assert "1 x wrong CRC" in said
    assert "wait for the monitor DAG: 1" in said


def test_a_report_is_drawn_when_somebody_asks(
    house: Store, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "press-7.html"
    assert str(file) in run(capsys, "report", "-d", DEVICE, "--html", str(file))
    page = file.read_text()
    assert "Verdict of TinyOps" in page
    assert DEVICE in page
    status = json.loads(run(capsys, "status", "--json"))["devices"][DEVICE]
    assert house.exists(layout.evidently(PROJECT.name, ReportKind.DRIFT, status["id"]))


@pytest.mark.parametrize(
    ("device", "kind", "said"),
    [
        ("press-77", "drift", "no verdict on 'press-77' -> name one of: press-7, press-8"),
        (OTHER, "drift", "has no drift report: 1 of 4 frames"),
        (DEVICE, "performance", "has no performance report"),
    ],
)
def test_a_report_that_cannot_be_drawn_says_why(
    house: Store,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    device: str,
    kind: str,
    said: str,
) -> None:
    words = ["-d", device, "--kind", kind, "--html", str(tmp_path / "x.html")]
    assert main(["monitor", "report", "-p", PROJECT.name, *words]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "x.html").exists()
