"""Firmware as a process of the host: it answers, sleeps, and never outlives its owner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.support.chip import tiny_image
from tinyops.boards.link import Link, LinkClosed, SocketStream
from tinyops.emulation import HostChip
from tinyops.emulation.chip import MEMORY_BYTES
from tinyops.emulation.host_parts import SIZE, HostImageError, read_parts


def image() -> bytes:
    return tiny_image("tiny", "esp-eye").image.bytes


def test_it_answers_and_sleeps() -> None:
    with HostChip(image()) as chip:
        link = Link(SocketStream(chip.uart0))
        hello = link.boot_hello(30)
        assert (hello.boot_ok, hello.image.board, hello.stack_bytes) == (True, "esp-eye", 0)
        assert str(MEMORY_BYTES) in Path(f"/proc/{chip.pid}/limits").read_text()
        link.send_input(np.arange(32, dtype=np.int8).tobytes())
        assert link.infer().logits.size == hello.outputs
        before = Path(f"/proc/{chip.pid}/stat").read_text().rpartition(")")[2].split()
        time.sleep(1)
        after = Path(f"/proc/{chip.pid}/stat").read_text().rpartition(")")[2].split()
        assert after[11:13] == before[11:13], "an idle process takes no processor time"


def test_the_line_ends_when_the_process_does() -> None:
    with HostChip(image()) as chip:
        link = Link(SocketStream(chip.uart0))
        link.boot_hello(30)
        os.kill(chip.pid, signal.SIGKILL)
        with pytest.raises(LinkClosed):
            link.hello(5)
        deadline = time.monotonic() + 10
        while chip.alive and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not chip.alive


@pytest.mark.parametrize(
    ("flash", "reason"),
    [
        (b"", "0 bytes"),
        (b"\xff" * 4096, "no firmware for the host"),
        (b"TOPSHOST\x28\0" + b"\0" * 4096, "firmware for machine 40"),
    ],
)
def test_what_is_no_firmware_does_not_start(flash: bytes, reason: str) -> None:
    with pytest.raises(HostImageError, match=reason):
        read_parts(flash)
    if not flash:
        return
    with HostChip(flash) as chip:
        with pytest.raises(LinkClosed):
            Link(SocketStream(chip.uart0)).boot_hello(30)
        assert reason in chip.log()


def test_damaged_code_ends_only_its_own_process() -> None:
    parts = read_parts(image())
    data = bytearray(image())
    start, end = parts.firmware, parts.firmware + parts.firmware_bytes
    data[start + 1024 : end] = bytes(end - start - 1024)
    with HostChip(bytes(data)) as chip, pytest.raises(LinkClosed):
        Link(SocketStream(chip.uart0)).boot_hello(30)


def test_parts_beyond_the_end_are_refused() -> None:
    with pytest.raises(HostImageError, match="a part ends at"):
        read_parts(image()[: SIZE + 100])


def test_it_ends_with_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "image.bin"
    file.write_bytes(image())
    code = (
        "import sys, time, pathlib\n"
        "from tinyops.emulation import HostChip\n"
        "chip = HostChip(pathlib.Path(sys.argv[1]).read_bytes())\n"
        "chip.uart0.recv(1)\n"
        "print(chip.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code, str(file)], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    owner.kill()
    owner.communicate()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()
