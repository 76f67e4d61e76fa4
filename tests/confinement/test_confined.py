"""Confined children: what falls in one falls alone, within its limits."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinyops import confinement
from tinyops.confinement import Confined, Fall, Limits, Terms
from tinyops.confinement.wire import WireError, receive, send
from tinyops.errors import TinyOpsError
from tinyops.projects import ProjectError


class ThingError(TinyOpsError):
    """A fall, in this file's words."""


def explain(what: str, fall: Fall) -> ThingError:
    return ThingError(f"{what}: {fall.kind}: {fall.detail}", "change it")


TERMS = Terms(("numpy",), (ThingError, ProjectError), explain)
TIGHT = Limits(memory_bytes=400 << 20, processor_seconds=1, wall_seconds=20)
PRELUDE = """import os
from functools import partial
from tinyops import confinement
from tinyops.confinement import Terms
terms = Terms((), (), None)
confine = partial(confinement.confine, terms=terms)
"""


def confine(what: str, target: str, *arguments: object, limits: Limits = TIGHT) -> Any:
    return confinement.confine(what, target, *arguments, terms=TERMS, limits=limits)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -3,
        0.1,
        "text",
        b"\0bytes",
        [1, [b"", "x"]],
        {"a": np.arange(6, dtype=np.int8).reshape(2, 3), "b": {}},
        np.float32(2.5) * np.ones((0, 3), np.float32),
    ],
    ids=str,
)
def test_values_come_back_as_they_were_sent(value: object) -> None:
    found = confine("echo", "copy:copy", value)
    assert type(found) is type(value)
    if isinstance(value, dict):
        assert np.array_equal(found["a"], value["a"])
    else:
        assert np.array_equal(found, value) if isinstance(value, np.ndarray) else found == value


def test_what_arrives_is_data_never_code() -> None:
    here, there = socket.socketpair()
    with here, there:
        tree = b'{"array": 0, "dtype": "|O", "shape": [1]}'
        here.sendall(len(tree).to_bytes(4, "little") + (3).to_bytes(4, "little") + tree + b"[8]")
        here.sendall(bytes(8))
        with pytest.raises(WireError, match="no array: object"):
            receive(there, 1000)
        send(here, b"x" * 2000)
        with pytest.raises(WireError, match="a message of 2,000 bytes"):
            receive(there, 1000)


@pytest.mark.parametrize(
    ("target", "arguments", "reason"),
    [
        ("os:abort", (), r"^the thing: crash: SIGABRT$"),
        ("ctypes:string_at", (0,), "crash: SIGSEGV"),
        ("os:_exit", (7,), "crash: exit status"),
        ("time:sleep", (60,), "time: 1 s$"),
        ("math:factorial", (10**8,), "time: 1 s of processor time"),
        ("numpy:ones", (1 << 29,), "memory: 400 MiB"),
        ("json:loads", ("{\n",), "exception: JSONDecodeError: Expecting"),
        ("builtins:print", ("\x1b[2J\nline",), None),
    ],
    ids=["abort", "fault", "exit", "sleep", "loop", "memory", "exception", "writes"],
)
def test_what_falls_is_one_line(
    target: str, arguments: tuple[object, ...], reason: str | None
) -> None:
    wall = 1 if target == "time:sleep" else 20
    limits = Limits(TIGHT.memory_bytes, TIGHT.processor_seconds, wall)
    if reason is None:
        confine("the thing", target, *arguments, limits=limits)
        return
    with pytest.raises(ThingError) as refused:
        confine("the thing", target, *arguments, limits=limits)
    assert "\n" not in str(refused.value)
    assert re.search(reason, refused.value.message)
    assert confine("the next", "math:sqrt", 4.0) == 2.0, "nobody else has noticed"


def test_errors_of_the_library_pass_with_their_kind_and_fix() -> None:
    code = "from tinyops.{}\nraise {}('too large', 'make it smaller')"
    with pytest.raises(ProjectError) as refused:
        confine("x", "builtins:exec", code.format("projects import ProjectError", "ProjectError"))
    assert (refused.value.message, refused.value.fix) == ("too large", "make it smaller")
    with pytest.raises(ThingError, match="too large"):
        confine("x", "builtins:exec", code.format("store import StoreError", "StoreError"))


def test_only_so_much_is_written_to_a_file_and_to_the_log(tmp_path: Path) -> None:
    write = "open({!r}, 'wb').write(bytes({}))"
    small, large = tmp_path / "small", tmp_path / "large"
    limits = Limits(file_bytes=2 << 20)
    confine("x", "builtins:exec", write.format(str(small), 2 << 20), limits=limits)
    assert small.stat().st_size == 2 << 20
    with pytest.raises(ThingError, match="File too large"):
        confine("x", "builtins:exec", write.format(str(large), 3 << 20), limits=limits)
    assert large.stat().st_size <= 2 << 20
    child = Confined("x", "io:FileIO", 1, "w", terms=TERMS, limits=Limits(file_bytes=1 << 30))
    child.call("write", b"first\n")
    assert child.call("write", b"x" * (2 << 20)) < 1 << 20
    with pytest.raises(ThingError, match="Operation not permitted"):
        child.call("write", b"more")
    assert child.log().startswith("first\nxxx")
    assert len(child.log()) <= 1 << 20


def test_the_limit_of_time_is_for_a_call_not_for_a_life() -> None:
    child = Confined("counting", "collections:Counter", terms=TERMS, limits=TIGHT)
    text, used = "ab" * 2_000_000, 0.0
    while used < 1.5 * TIGHT.processor_seconds:
        child.call("update", text)
        used = sum(map(float, _times(child.process)))
    assert child.call("total") > len(text)


def _times(pid: int) -> tuple[float, float]:
    """User and system time of a process in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    tick = os.sysconf("SC_CLK_TCK")
    return int(fields[11]) / tick, int(fields[12]) / tick


def test_a_child_has_no_credentials_and_leaves_no_core(monkeypatch: pytest.MonkeyPatch) -> None:
    code = PRELUDE + "print(confine('x', 'os:getenv', 'AWS_SECRET_ACCESS_KEY')); "
    code += "print(confine('x', 'resource:getrlimit', 4))"
    environment = {**os.environ, "AWS_SECRET_ACCESS_KEY": "secret"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[:2] == ["None", "[0, 0]"]


@pytest.mark.parametrize("end", ["os._exit(1)", "os.kill(os.getpid(), 9)"], ids=["exit", "kill"])
def test_children_end_with_their_parent(end: str) -> None:
    code = PRELUDE + "child = confinement.Confined('x', 'collections:Counter', terms=terms)\n"
    code += "print(confine('x', 'os:getppid'), child.process, flush=True)\n" + end
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    pids = [int(word) for word in done.stdout.split()]
    assert len(pids) == 2
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() and not _zombie(pid) for pid in pids):
        assert time.monotonic() < deadline, pids
        time.sleep(0.05)


def _zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_fork_of_this_process_has_children_of_its_own() -> None:
    before = confine("x", "os:getppid")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        found = confine("x", "os:getppid")
        os.write(writer, str(found).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as file:
        found = int(file.read())
    os.waitpid(child, 0)
    assert found != before
    assert confine("x", "os:getppid") == before
