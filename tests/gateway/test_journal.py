"""The journal: what was recorded is there after any end of the process."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tinyops.fleet.event import Event
from tinyops.gateway import journal as module
from tinyops.gateway.database import Database
from tinyops.gateway.journal import DeviceState, ImageName, Journal

ONE, TWO = ImageName("v1", "1" * 64), ImageName("v2", "2" * 64)

WRITER = """
import os, sys
from pathlib import Path
from tinyops.gateway.database import Database
from tinyops.fleet.event import Event
from tinyops.gateway.journal import DeviceState, ImageName, Journal
journal = Journal(Database(Path(sys.argv[1])))
for number in range(20):
    state = DeviceState("d", "p", "flashing", pending=ImageName(f"v{number}", "0" * 64))
    journal.record(state, Event("flashing", version=f"v{number}"))
os.kill(os.getpid(), 9)
"""


def test_state_and_events_survive_kill_9_together(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    done = subprocess.run([sys.executable, "-c", WRITER, str(path)], check=False)
    assert done.returncode == -9
    journal = Journal(Database(path))
    state = journal.device("d", "p")
    assert (state.step, state.pending.version) == ("flashing", "v19")
    assert [event.version for _, event in journal.waiting()] == [f"v{n}" for n in range(20)]


def test_an_event_waits_until_it_is_sent(tmp_path: Path) -> None:
    journal = Journal(Database(tmp_path / "journal.db"))
    event = Event("attested", "p", "v1", "d", "t", "4 golden windows")
    journal.record(DeviceState("d", "p", confirmed=ONE), event)
    ((number, waiting),) = journal.waiting()
    assert waiting == event
    journal.sent(number)
    assert journal.waiting() == []
    assert journal.waiting_count() == 0


def test_a_verdict_is_for_one_device_and_one_image(tmp_path: Path) -> None:
    journal = Journal(Database(tmp_path / "journal.db"))
    state = DeviceState("d", "p", "attesting", confirmed=ONE, pending=TWO)
    journal.record(replace(state, step="restoring"), verdict="silent")
    assert journal.refused("d", TWO) == "silent"
    assert journal.refused("d", ONE) == ""
    assert journal.refused("e", TWO) == ""
    assert journal.device("d", "p").pending == TWO
    assert journal.images({"d"}) == {ONE.sha256, TWO.sha256}
    assert journal.images({"e"}) == set()


def test_a_device_with_another_project_starts_anew(tmp_path: Path) -> None:
    journal = Journal(Database(tmp_path / "journal.db"))
    journal.record(DeviceState("d", "p", confirmed=ONE))
    assert journal.device("d", "other") == DeviceState("d", "other")


def test_while_s3_is_down_the_newest_events_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "EVENTS_KEPT", 5)
    journal = Journal(Database(tmp_path / "journal.db"))
    for number in range(5):
        journal.report(Event("error", version=f"v{number}"))
    first, _ = journal.waiting()[0]
    journal.sent(first)
    assert "events dropped" not in caplog.text
    for number in range(5, 8):
        journal.record(DeviceState("d", "p"), Event("error", version=f"v{number}"))
    assert [event.version for _, event in journal.waiting()] == ["v3", "v4", "v5", "v6", "v7"]
    assert "events dropped count=1" in caplog.text


def test_the_newest_verdicts_on_a_device_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "VERDICTS_KEPT", 2)
    journal = Journal(Database(tmp_path / "journal.db"))
    images = [ImageName(f"v{number}", str(number) * 64) for number in range(4)]
    journal.record(DeviceState("e", "p", pending=images[0]), verdict="silent")
    for image in images:
        journal.record(DeviceState("d", "p", "restoring", pending=image), verdict="silent")
    assert [journal.refused("d", image) for image in images] == ["", "", "silent", "silent"]
    assert journal.refused("e", images[0]) == "silent"
