"""Boards that a user adds: a file in $TINYOPS_BOARDS and, for a new protocol, one module."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.boards.virtual_boards import eventually, idle_image
from tests.support.chip import MODELS
from tinyops.boards.catalogue import CatalogueError, board_names, load_board
from tinyops.boards.errors import BoardError, FlashFailed
from tinyops.boards.flashing import driver, flash
from tinyops.boards.link import Link
from tinyops.boards.transport import SerialPort, SerialStream
from tinyops.boards.virtual.board import VirtualBoard
from tinyops.boards.virtual.flash_memory import FlashMemory
from tinyops.boards.virtual.nano33ble import Nano33Ble

TINY = str(MODELS / "tiny.tflite")
OWN = Path(__file__).with_name("own")
PAGE = struct.Struct("<III")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's own, with two boards and a driver."""
    folder = tmp_path / "own"
    shutil.copytree(OWN, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("TINYOPS_BOARDS", str(folder))
    return folder


def tinyops(*arguments: str) -> str:
    command = [sys.executable, "-m", "tinyops.cli.main", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


class NanoHalf(Nano33Ble):
    """A Nano with half of the flash."""

    FLASH_BYTES = 0x80000


class BenchLoader:
    """The bootloader that bench_loader.py speaks to; it asks `damaged` times for a page again."""

    def __init__(
        self,
        flash: FlashMemory,
        send: Callable[[bytes], None],
        start: Callable[[], None],
        damaged: int,
    ) -> None:
        self._flash, self._send, self._start = flash, send, start
        self._damaged = damaged
        self._heard = b""

    def feed(self, data: bytes) -> None:
        self._heard += data
        if self._heard == b"G":
            self._send(b"K")
            self._start()
            return
        if len(self._heard) <= PAGE.size:
            return
        address, size, crc = PAGE.unpack_from(self._heard, 1)
        page = self._heard[1 + PAGE.size :]
        if len(page) < size:
            return
        self._heard = b""
        if self._damaged or zlib.crc32(page) != crc:
            self._damaged = max(self._damaged - 1, 0)
            self._send(b"R")
            return
        self._flash.erase(address, size)
        self._flash.write(address, page)
        self._send(b"K")

    def next_due(self) -> None:
        """Never."""

    def tick(self, now: float) -> None:
        """Nothing."""


class BenchM4(VirtualBoard):
    """Reset by opening the port. Its application, here no program, only counts as started."""

    FLASH_BYTES = 0x80000
    PAGE_BYTES = 4096
    APP = 0x8000
    damaged = 0

    def _reset(self, twice: bool = False) -> None:
        loader = BenchLoader(self.flash, self.to_host, self.launch, self.damaged)
        self.enter_bootloader(loader)

    def _opened(self) -> None:
        self._reset()

    def launch(self) -> None:
        self._power_off()
        self.mode = "application"


def test_boards_lists_it(own: Path) -> None:
    listed = {board["name"]: board for board in json.loads(tinyops("boards", "--json"))}
    assert len(listed) == 6
    assert listed["nano-half"]["flash"]["app_bytes"] == 458_752
    assert "nano-half" in tinyops("boards")


def test_a_file_is_all_that_a_board_with_a_known_protocol_takes(own: Path, tmp_path: Path) -> None:
    (report,) = json.loads(tinyops("fit", TINY, "--board", "nano-half", "--json"))
    assert (report["fits"], report["flash_limit"]) == (True, 458_752)
    assert any(part["measured"] for part in report["flash_parts"])

    tinyops("compile", TINY, "--board", "nano-half", "--out", str(tmp_path / "made"))
    image = tmp_path / "made" / "image.bin"
    link = tmp_path / "ttyVIRTUAL0"
    with NanoHalf(link, tmp_path / "state") as virtual:
        tinyops("flash", str(image), "--board", "nano-half", "--port", str(link))
        assert virtual.flash.read(virtual.APP, image.stat().st_size) == image.read_bytes()
        assert eventually(lambda: virtual.mode == "application")
        with SerialPort(str(link)) as port:
            hello = Link(SerialStream(port)).hello(timeout=2.0, attempts=5)
    assert (hello.image.project, hello.image.target) == ("tiny", "nano-half-qemu-virtual")


@pytest.mark.parametrize("damaged", [0, 2])
def test_a_protocol_of_its_own_takes_one_module(own: Path, tmp_path: Path, damaged: int) -> None:
    image, link = idle_image(30_001, board="bench-m4"), tmp_path / "ttyVIRTUAL1"
    virtual = BenchM4(link, tmp_path / "state")
    virtual.damaged = damaged
    with virtual:
        report = flash(str(link), image, load_board("bench-m4"))
        assert virtual.flash.read(virtual.APP, len(image.bytes)) == image.bytes
        assert eventually(lambda: virtual.mode == "application")
    assert (report.pages, report.retries) == (8, damaged)
    assert report.bootloader == "bench loader"


def test_a_driver_of_the_users_own_fails_as_any_other(own: Path, tmp_path: Path) -> None:
    link = tmp_path / "ttyVIRTUAL1"
    virtual = BenchM4(link, tmp_path / "state")
    virtual.damaged = 100
    with virtual, pytest.raises(FlashFailed, match="page at 0x8000"):
        flash(str(link), idle_image(board="bench-m4"), load_board("bench-m4"))


def test_without_the_folder_there_are_the_librarys_boards_only(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = load_board("bench-m4")
    monkeypatch.delenv("TINYOPS_BOARDS")
    assert "bench-m4" not in board_names()
    with pytest.raises(CatalogueError, match="no board 'bench-m4'"):
        load_board("bench-m4")
    with pytest.raises(BoardError, match="no driver for its protocol bench-loader"):
        driver(bench)


@pytest.mark.parametrize("folder", ["no/such/folder", "/no/such/folder", "."])
def test_the_folder_is_named_absolutely_or_refused(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYOPS_BOARDS", folder)
    with pytest.raises(CatalogueError, match="TINYOPS_BOARDS: no folder") as refused:
        board_names()
    assert "absolute" in refused.value.fix


def test_two_boards_of_one_name_are_refused_with_both_files(own: Path) -> None:
    (own / "nano-half.yaml").rename(own / "esp-eye.yaml")
    with pytest.raises(CatalogueError, match=r"called esp-eye: .*catalogue.* and .*own") as refused:
        load_board("nano33ble-sense")
    assert refused.value.fix == "give yours another name"


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("hz: 64000000", "hz: fast", r"nano-half\.yaml: clock\.hz"),
        ("base:", "basis:", r"nano-half\.yaml: base"),
        ("name: nano-half", "name: nano", r"nano-half\.yaml: .*expected nano-qemu-virtual"),
        ("radio: []", "radio: [", r"nano-half\.yaml line \d+: expected"),
    ],
)
def test_what_is_wrong_in_its_file_is_named(own: Path, old: str, new: str, named: str) -> None:
    path = own / "nano-half.yaml"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(CatalogueError, match=named):
        load_board("nano-half")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("TRIES = 4\n", r"bench_loader\.py has no flash\(port, image, board, progress, ask\)"),
        ("import no_such_module\n", r"bench_loader\.py: ModuleNotFoundError: .*no_such_module"),
        ("def flash(:\n", r"bench_loader\.py: SyntaxError"),
    ],
)
def test_a_driver_that_cannot_be_one_is_named(own: Path, text: str, named: str) -> None:
    (own / "bench_loader.py").write_text(text)
    with pytest.raises(BoardError, match=named):
        driver(load_board("bench-m4"))


def test_a_driver_of_the_library_cannot_be_replaced(own: Path) -> None:
    (own / "bench_loader.py").rename(own / "samba_nano.py")
    with pytest.raises(BoardError, match="two drivers of protocol samba-nano"):
        driver(load_board("nano33ble-sense"))
