"""Background processes that outlive their parent, and are found again without ever being mistaken.

A record on disk names the process by pid, start tick and boot id (`proc(5)`, field 22 of `stat`):
after a reboot, or when a pid was given to somebody else, the record is stale and nothing is
signalled.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tinyops.errors import TinyOpsError
from tinyops.private_folder import private_folder

LOG_LIMIT = 10 * 1024 * 1024
_HIDDEN = ("AWS_", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL", "API_KEY", "APIKEY")
_KEPT = ("AWS_CA_BUNDLE",)


class ProcessError(TinyOpsError):
    """A background process did not start."""


@dataclass(frozen=True)
class Command:
    """What to run. `env` is added to the caller's environment without its credentials."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Running:
    """One process, told apart from any other that ever had or will have its pid."""

    pid: int
    start_tick: int
    boot_id: str


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without anything that looks like a credential, plus `extra`."""
    env = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or not any(word in name.upper() for word in _HIDDEN)
    }
    return env | dict(extra)


def start(
    command: Command, run_dir: Path, log_dir: Path, *, die_with_parent: bool = False
) -> Running:
    """Start a process in its own session, its output appended to `<log_dir>/<name>.log`.

    Parameters
    ----------
    die_with_parent
        For tests: the kernel ends it when the caller dies, however it dies.
    """
    private_folder(run_dir)
    log = log_path(private_folder(log_dir), command.name)
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
    argv = list(command.argv)
    if die_with_parent and (setpriv := shutil.which("setpriv")):
        argv = [setpriv, "--pdeathsig", "KILL", "--", *argv]
    with log.open("ab") as output:
        try:
            child = subprocess.Popen(
                argv,
                env=environment(command.env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise ProcessError(
                f"cannot start {command.name} ({argv[0]}): {error.strerror}",
                "run `make setup`, which installs what is missing",
            ) from None
    running = identify(child.pid)
    if running is None:
        raise ProcessError(f"{command.name} ended at once", f"read {log}")
    record = _record_path(run_dir, command.name)
    part = record.with_suffix(".part")
    part.write_text(json.dumps(asdict(running)), encoding="utf-8")
    part.replace(record)
    _CHILDREN.append(child)
    return running


# Popen objects of this interpreter, polled so that a dead child is not left as a zombie.
_CHILDREN: list[subprocess.Popen[bytes]] = []


def log_path(log_dir: Path, name: str) -> Path:
    """Where a process writes."""
    return log_dir / f"{name}.log"


def recorded(run_dir: Path, name: str) -> Running | None:
    """What was started since this boot, whether or not it still runs; None without a record."""
    try:
        record = Running(**json.loads(_record_path(run_dir, name).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return record if record.boot_id == _boot_id() else None


def running(run_dir: Path, name: str) -> Running | None:
    """The recorded process if it is the very one and alive."""
    record = recorded(run_dir, name)
    return record if record is not None and is_alive(record) else None


def is_alive(process: Running) -> bool:
    """Whether this very process runs; a zombie does not."""
    return identify(process.pid) == process


def identify(pid: int) -> Running | None:
    """The identity of a live process; None when there is none or it is a zombie."""
    for child in list(_CHILDREN):
        if child.pid == pid and child.poll() is not None:
            _CHILDREN.remove(child)
    fields = _stat(pid)
    if fields is None or fields[0] in "ZX":
        return None
    return Running(pid, int(fields[19]), _boot_id())


def stop(run_dir: Path, name: str, timeout: float = 15.0) -> bool:
    """End a recorded process and its whole session: SIGTERM, then SIGKILL. True if any ran.

    Nothing is signalled for a stale record.
    """
    return bool(stop_all(run_dir, [name], timeout))


def stop_all(run_dir: Path, names: Sequence[str], timeout: float = 15.0) -> list[str]:
    """End several recorded processes at once, signalled in the order given; names that ran."""
    records = {name: record for name in names if (record := recorded(run_dir, name))}
    ran: list[str] = []
    for sign, wait in ((signal.SIGTERM, timeout), (signal.SIGKILL, 5.0)):
        alive = {name: members for name, record in records.items() if (members := session(record))}
        ran = ran or list(alive)
        for members in alive.values():
            _signal(members, sign)
        deadline = time.monotonic() + wait
        while any(map(session, records.values())) and time.monotonic() < deadline:
            time.sleep(0.02)
    if left := [pid for record in records.values() for pid in session(record)]:
        raise ProcessError(f"processes {left} survive SIGKILL", "look at them with `ps`")
    for name in records:
        _record_path(run_dir, name).unlink(missing_ok=True)
    return ran


def _signal(pids: Sequence[int], sign: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)


def session(leader: Running) -> list[int]:
    """Live pids of the session that `leader` opened, also after the leader itself has died.

    The kernel gives a pid to nobody else while a session of that number exists, so members that
    are older than the leader, or a leader with another start tick, prove the record stale.
    """
    at_number = _stat(leader.pid)
    if at_number is not None and int(at_number[19]) != leader.start_tick:
        return []
    members = []
    for pid in _pids():
        fields = _stat(pid)
        if fields is None or fields[0] in "ZX" or int(fields[3]) != leader.pid:
            continue
        if int(fields[19]) >= leader.start_tick:
            members.append(pid)
    return sorted(members)


def last_lines(path: Path, count: int = 5) -> list[str]:
    """The last lines of a log, for an error message; empty when there is none."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - 8192))
            return log.read().decode(errors="replace").splitlines()[-count:]
    except OSError:
        return []


def recorded_names(run_dir: Path, start: str) -> list[str]:
    """Names of the processes with a record that begin so, sorted."""
    return sorted(path.stem for path in run_dir.glob(_record_path(run_dir, f"{start}*").name))


def _record_path(run_dir: Path, name: str) -> Path:
    return run_dir / f"{name}.json"


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _stat(pid: int) -> list[str] | None:
    # "pid (comm) state ppid pgrp session …"; comm may hold spaces and brackets, so cut at the last.
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
