"""Machines: they boot, count alike, restart, sleep, and never outlive their owner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.support.chip import BASE, booted, tiny_image
from tinyops.boards.link import Link, LinkClosed, SocketStream
from tinyops.emulation import EmulationError, Machine
from tinyops.emulation.chip import MEMORY_BYTES
from tinyops.environment import bare_environment


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_two_boots_count_the_same_instructions() -> None:
    counts = []
    for _ in range(2):
        with booted(tiny_image().image, icount=True) as (_, link, _):
            link.send_input(np.arange(32, dtype=np.int8).tobytes())
            counts.append([link.infer().ticks for _ in range(3)])
    assert counts[0] == counts[1]
    assert len(set(counts[0])) == 1


def test_an_idle_machine_sleeps() -> None:
    with booted(tiny_image().image) as (machine, _, _):
        time.sleep(0.3)
        before = cpu_seconds(machine.pid)
        time.sleep(2)
        # A machine that polls would take the whole two seconds.
        assert cpu_seconds(machine.pid) - before < 0.3


def test_the_process_has_a_limit_of_memory_and_leaves_no_core() -> None:
    with booted(tiny_image().image) as (machine, _, _):
        limits = Path(f"/proc/{machine.pid}/limits").read_text()
        status = Path(f"/proc/{machine.pid}/status").read_text()
        peak = int(next(line for line in status.splitlines() if "VmPeak" in line).split()[1])
    rows = {line[:25].strip(): line[25:].split()[:2] for line in limits.splitlines()}
    assert rows["Max address space"] == [str(MEMORY_BYTES)] * 2
    assert rows["Max core file size"] == ["0", "0"]
    assert 2 * 1024 * peak < MEMORY_BYTES, "it is no limit that it meets in peace"


def test_a_restart_runs_the_other_image_on_new_lines() -> None:
    with booted(tiny_image().image) as (machine, _, hello):
        old, machine.shared_ram[0] = machine.uart0, 7
        machine.restart(tiny_image("other").image.bytes)
        assert old.fileno() == -1
        assert machine.shared_ram[0] == 0
        again = Link(SocketStream(machine.uart0)).boot_hello(30)
        assert again.image.model_sha256 != hello.image.model_sha256


def test_flash_from_address_zero_boots_too() -> None:
    with Machine(b"\xff" * BASE + tiny_image().image.bytes, 0, BASE) as machine:
        assert Link(SocketStream(machine.uart0)).boot_hello(30).boot_ok


def test_the_line_ends_when_qemu_does() -> None:
    with booted(tiny_image().image) as (machine, link, _):
        os.kill(machine.pid, signal.SIGKILL)
        with pytest.raises(LinkClosed):
            link.hello(timeout=10)
        # The lines close a moment before the process is gone.
        deadline = time.monotonic() + 20
        while machine.alive and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not machine.alive


def test_a_machine_does_not_outlive_a_killed_owner(tmp_path: Path) -> None:
    image = tmp_path / "image.bin"
    image.write_bytes(tiny_image().image.bytes)
    code = (
        "import pathlib, sys, time\n"
        "from tinyops.emulation import Machine\n"
        f"machine = Machine(pathlib.Path({str(image)!r}).read_bytes(), {BASE}, {BASE})\n"
        "print(machine.pid, machine._folder, flush=True)\n"
        "time.sleep(60)\n"
    )
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert owner.stdout is not None
    pid, folder = owner.stdout.readline().decode().split()
    owner.kill()
    owner.wait()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}/cmdline").exists() and time.monotonic() < deadline:
        if not Path(f"/proc/{pid}/cmdline").read_bytes():
            break  # dead, waiting for whoever has taken it over
        time.sleep(0.05)
    while Path(folder).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert time.monotonic() < deadline


def test_no_credentials_reach_qemu(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "SOME_TOKEN", "DB_PASSWORD", "NEW_KIND_OF_KEY"):
        monkeypatch.setenv(name, "hidden-value")
    with booted(tiny_image().image) as (machine, _, _):
        environment = Path(f"/proc/{machine.pid}/environ").read_bytes()
    assert b"hidden-value" not in environment
    assert set(bare_environment({"PATH": "/bin", "LC_ALL": "C", "AWS_X": "1"})) == {
        "PATH",
        "LC_ALL",
    }


def test_what_cannot_boot_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EmulationError, match="no application at 0x10000"):
        Machine(bytes(100), 0, BASE)
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(EmulationError, match="no qemu-system-arm"):
        Machine(tiny_image().image.bytes, BASE, BASE)
