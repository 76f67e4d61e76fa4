"""Background processes are found again, ended whole, and never mistaken for somebody else's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tinyops.local import process
from tinyops.local.process import Command, ProcessError, Running

SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")
# A leader that leaves a child behind when it alone is signalled, as Airflow does.
PARENT = (
    sys.executable,
    "-c",
    "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', "
    "'import time; time.sleep(60)']); print('ready', flush=True); time.sleep(60)",
)


def wait_for(condition: object) -> None:
    assert callable(condition)
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def start(tmp_path: Path, argv: tuple[str, ...] = SLEEP, name: str = "one") -> Running:
    return process.start(
        Command(name, argv), tmp_path / "run", tmp_path / "logs", die_with_parent=True
    )


def test_another_interpreter_finds_and_stops_it(tmp_path: Path) -> None:
    started = start(tmp_path)
    code = (
        "import sys; from pathlib import Path; from tinyops.local import process; "
        "run = Path(sys.argv[1]); print(process.running(run, 'one').pid); "
        "print(process.stop(run, 'one'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "run"], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(started.pid), "True"]
    assert not process.is_alive(started)


def test_children_end_with_their_leader(tmp_path: Path) -> None:
    leader = start(tmp_path, PARENT)
    wait_for(lambda: len(process.session(leader)) == 2)
    assert process.stop(tmp_path / "run", "one")
    assert process.session(leader) == []


def test_children_that_outlived_their_leader_are_still_ended(tmp_path: Path) -> None:
    leader = start(tmp_path, PARENT)
    wait_for(lambda: len(process.session(leader)) == 2)
    os.kill(leader.pid, signal.SIGKILL)
    wait_for(lambda: not process.is_alive(leader))
    assert process.running(tmp_path / "run", "one") is None
    (orphan,) = process.session(leader)
    assert process.stop(tmp_path / "run", "one")
    assert process.identify(orphan) is None


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    stubborn = (
        sys.executable,
        "-c",
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print('ready', flush=True); time.sleep(60)",
    )
    started = start(tmp_path, stubborn)
    wait_for(lambda: "ready" in (tmp_path / "logs" / "one.log").read_text())
    assert process.stop(tmp_path / "run", "one", timeout=0.2)
    assert not process.is_alive(started)


@pytest.mark.parametrize(
    "change", [{"start_tick": 1}, {"boot_id": "another boot"}], ids=["recycled", "rebooted"]
)
def test_a_stale_record_never_leads_to_a_signal(tmp_path: Path, change: dict[str, object]) -> None:
    stranger = subprocess.Popen(SLEEP, start_new_session=True)
    try:
        identity = process.identify(stranger.pid)
        assert identity is not None
        (tmp_path / "one.json").write_text(json.dumps(vars(identity) | change))
        assert process.running(tmp_path, "one") is None
        assert not process.stop(tmp_path, "one")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', "null"])
def test_a_damaged_record_is_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "one.json").write_text(text)
    assert process.running(tmp_path, "one") is None
    assert not process.stop(tmp_path, "one")


def test_a_zombie_is_not_alive(tmp_path: Path) -> None:
    started = start(tmp_path, (sys.executable, "-c", "pass"))
    wait_for(lambda: not process.is_alive(started))
    assert process.running(tmp_path / "run", "one") is None


def test_credentials_are_not_handed_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "DB_PASSWORD", "MY_SECRET", "X_API_KEY"):
        monkeypatch.setenv(name, "hidden")
    monkeypatch.setenv("TINYOPS_PROJECTS", "/shown")
    argv = (sys.executable, "-c", "import os; print(sorted(os.environ.items()), flush=True)")
    process.start(Command("one", argv, {"AWS_ACCESS_KEY_ID": "given"}), tmp_path, tmp_path / "logs")
    log = tmp_path / "logs" / "one.log"
    wait_for(lambda: log.read_text().endswith("\n"))
    assert "hidden" not in log.read_text()
    assert "/shown" in log.read_text()
    assert "given" in log.read_text()


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match="cannot start one"):
        process.start(Command("one", ["/no/such/program"]), tmp_path, tmp_path)


def test_large_logs_are_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LOG_LIMIT", 10)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "one.log").write_text("old and long enough\n")
    start(tmp_path, (sys.executable, "-c", "print('new')"))
    wait_for(lambda: process.last_lines(tmp_path / "logs" / "one.log") == ["new"])
    assert process.last_lines(tmp_path / "logs" / "one.log.1") == ["old and long enough"]
