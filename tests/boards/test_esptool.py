"""The esptool driver against a virtual ESP-EYE, over a real pseudo-terminal."""

from __future__ import annotations

import contextlib
import os
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.boards.esp_eyes import ESP_EYE, Eye, image
from tests.support.boards.virtual_boards import eventually
from tinyops.boards.drivers import esptool
from tinyops.boards.drivers.vendor_tool import VendorTool
from tinyops.boards.errors import (
    BoardSilent,
    FlashFailed,
    PortLost,
    WrongAnswer,
)
from tinyops.boards.flashing import flash
from tinyops.boards.transport import SerialPort
from tinyops.boards.virtual import esp_registers
from tinyops.boards.virtual.faults import Faults

pytestmark = pytest.mark.slow


class Stopped(Exception):
    """What a gateway's callback raises when it is told to end."""


@pytest.fixture
def port(tmp_path: Path) -> str:
    return str(tmp_path / "ttyVIRTUAL0")


@pytest.fixture
def virtual(tmp_path: Path, port: str) -> Iterator[Eye]:
    with Eye(Path(port), tmp_path / "state") as running:
        yield running


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """One reset a session: silence is told sooner."""
    monkeypatch.setattr(esptool, "CONNECT_ATTEMPTS", 1)


def children() -> set[str]:
    """Processes that this one has started and not reaped."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after_name[1]) == os.getpid():
            found.add(stat.parent.name)
    return found


def test_a_board_is_flashed_and_then_again_over_its_application(virtual: Eye, port: str) -> None:
    first, second = image(100_001, seed=1), image(30_000, seed=2)
    steps: list[tuple[int, int]] = []

    report = flash(port, first, ESP_EYE, lambda done, total: steps.append((done, total)))

    assert virtual.application(len(first.bytes)) == first.bytes
    assert (report.bytes, report.pages, report.retries) == (100_001, 25, 0)
    assert report.bootloader.startswith("ESP32 ROM, stub of esptool 5.")
    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == ((0, 100_001), (100_001, 100_001))
    assert eventually(lambda: virtual.mode == "application")
    flash(port, second, ESP_EYE)
    assert virtual.application(len(second.bytes)) == second.bytes
    assert virtual.flash.read(0, virtual.APP) == b"\xff" * virtual.APP
    assert eventually(lambda: virtual.launches == 2)


def test_what_lies_around_has_no_say_in_how_esptool_runs(
    virtual: Eye, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "esptool.py").write_text("raise SystemExit('shadowed')")
    for folder in (tmp_path, tmp_path / "home"):
        folder.mkdir(exist_ok=True)
        (folder / "esptool.cfg").write_text("[esptool]\ntimeout = 0.000001\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    flash(virtual.port.name, image(), ESP_EYE)
    assert virtual.application(20_000) == image().bytes


def test_the_options_for_real_ports_are_ones_that_esptool_takes(
    virtual: Eye, port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a pseudo-terminal esptool warns that it cannot pull DTR and RTS, and goes on.
    monkeypatch.setattr(esptool, "is_pseudo_terminal", lambda port: False)
    assert flash(port, image(), ESP_EYE).retries == 0
    assert virtual.application(20_000) == image().bytes


@pytest.mark.usefixtures("hasty")
def test_a_silent_board_is_told_how_to_be_woken(port: str) -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    asked: list[str] = []
    try:
        with pytest.raises(BoardSilent, match="Failed to connect to ESP32") as caught:
            flash(os.ttyname(slave), image(), ESP_EYE, ask=asked.append)
    finally:
        os.close(slave)
        os.close(master)
    assert "hold BOOT" in caught.value.fix
    assert len(asked) == 1
    assert "BOOT" in asked[0]


def test_a_port_in_use_and_one_that_is_not_there_are_lost(virtual: Eye, port: str) -> None:
    with pytest.raises(PortLost, match="not there"):
        flash(f"{port}9", image(), ESP_EYE)
    before = children()
    with SerialPort(port), pytest.raises(PortLost) as caught:
        flash(port, image(), ESP_EYE)
    assert "stop the program" in caught.value.fix
    assert children() == before


def test_another_chip_at_the_port_is_named_and_not_written(
    virtual: Eye, port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The number by which esptool knows an ESP32-S2 (targets/esp32s2.py).
    monkeypatch.setattr(esp_registers, "ESP32", 0x000007C6)
    virtual.press_reset()
    with pytest.raises(WrongAnswer, match="This chip is ESP32-S2, not ESP32") as caught:
        flash(port, image(), ESP_EYE)
    assert "board" in caught.value.fix
    assert virtual.flash.read(0, virtual.flash.size) == b"\xff" * virtual.flash.size


def test_worn_flash_is_found_by_its_md5(
    virtual: Eye, port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, stuck = virtual.flash.write, virtual.APP + 12_345

    def worn(address: int, data: bytes) -> None:
        write(address, data)
        write(stuck, b"\0")

    monkeypatch.setattr(virtual.flash, "write", worn)
    with pytest.raises(FlashFailed, match="MD5 of file does not match") as caught:
        flash(port, image(), ESP_EYE)
    assert "worn" in caught.value.fix
    assert virtual.launches == 0


def test_a_stop_ends_esptool(virtual: Eye, port: str) -> None:
    what, before = image(300_000), children()

    def stop_half_way(done: int, total: int) -> None:
        if done > total // 4:
            raise Stopped

    with pytest.raises(Stopped):
        flash(port, what, ESP_EYE, stop_half_way)
    assert children() == before
    flash(port, what, ESP_EYE)
    assert virtual.application(len(what.bytes)) == what.bytes


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("after", [5_000, 40_000])
def test_a_power_cut_leaves_a_board_that_can_be_flashed_again(
    tmp_path: Path, port: str, after: int
) -> None:
    old, new = image(50_000, seed=1), image(60_000, seed=2)
    with Eye(Path(port), tmp_path / "state") as virtual:
        flash(port, old, ESP_EYE)
    faults = Faults(power_cut_after=after, power_back_after=None)
    with Eye(Path(port), tmp_path / "state", faults=faults) as virtual:
        with pytest.raises((PortLost, BoardSilent)):
            flash(port, new, ESP_EYE)
        virtual.plug()
        assert eventually(lambda: virtual.mode != "off")
        whole = virtual.application(len(old.bytes)) == old.bytes
        assert virtual.mode == ("application" if whole else "bootloader")
        assert whole == (after < 40_000)
        flash(port, new, ESP_EYE)
        assert virtual.application(len(new.bytes)) == new.bytes


@pytest.mark.parametrize("faults", [{"corrupt": 1e-4}, {"drop": 1e-4}], ids=["corrupt", "drop"])
@pytest.mark.parametrize("seed", range(2))
def test_a_bad_line_ends_in_an_error_or_in_the_image(
    tmp_path: Path, port: str, faults: dict[str, float], seed: int
) -> None:
    what = image(40_000, seed=seed)
    with Eye(Path(port), tmp_path / "state", faults=Faults(seed=seed, **faults)) as virtual:
        for _ in range(8):
            with contextlib.suppress(BoardSilent, WrongAnswer, FlashFailed):
                report = flash(port, what, ESP_EYE)
                break
        assert report.retries > 0
        assert virtual.application(len(what.bytes)) == what.bytes


def test_esptool_that_hangs_is_ended(
    port: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody reads and nobody answers, and esptool is patient: the driver is less so.
    monkeypatch.setattr(esptool, "STALL", 0.0)
    monkeypatch.setattr(esptool, "FLASH_WORK", 0.0)
    monkeypatch.setattr(esptool, "TICK", 0.01)
    before = children()
    with (
        Eye(Path(port), tmp_path / "state"),
        pytest.raises(BoardSilent, match="without success"),
    ):
        flash(port, image(), ESP_EYE)
    assert children() == before


def test_a_tool_gets_no_credentials_and_its_group_ends_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden-value")
    before = children()
    script = "env; sleep 1000 & echo $!; echo end; wait"
    with VendorTool(["sh", "-c", script], tmp_path, {"GIVEN": "yes"}) as tool:
        said = b""
        while not said.endswith(b"end\n"):
            said += tool.read(10) or b""
    assert b"hidden-value" not in said
    assert b"GIVEN=yes" in said
    grandchild = said.split()[-2].decode()
    assert eventually(lambda: not running(grandchild))
    assert children() == before


def running(pid: str) -> bool:
    """Whether a process runs: neither gone nor waiting to be reaped by its new parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
