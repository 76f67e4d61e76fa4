"""A full disk under the state folder: the gateway serves on, says so, and recovers by itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.gateway.gateway_bench import (
    DEVICE,
    Bench,
    release,
    renamed,
    running,
    wait_for,
)
from tinyops.boards.image import Image
from tinyops.fleet.event import Event
from tinyops.gateway.database import Database, DiskFull
from tinyops.gateway.disk_reserve import RESERVE_BYTES, DiskReserve
from tinyops.gateway.images import ImageStore
from tinyops.gateway.journal import Journal
from tinyops.releases.refresh import refresh_metadata
from tinyops.store import edge_layout

MOUNT = "mount -t tmpfs needs root; run the tests as root, or allow `sudo -n mount`"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 12 MiB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    for sudo in ([], ["sudo", "-n"]):
        command = [*sudo, "mount", "-t", "tmpfs", "-o", "size=12m,mode=777", "tmpfs", str(folder)]
        try:
            mounted = not subprocess.run(command, capture_output=True, check=False).returncode
        except FileNotFoundError:
            mounted = False
        if mounted:
            break
    else:
        pytest.fail(MOUNT)
    yield folder
    subprocess.run([*sudo, "umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Write until not one byte more fits; returns the file."""
    path = folder / "ballast"
    with path.open("ab", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return path


def test_the_journal_records_on_a_full_disk_and_the_reserve_comes_back(disk: Path) -> None:
    reserve = DiskReserve(disk)
    assert reserve.check() == ""
    assert (disk / "reserve").stat().st_blocks * 512 >= RESERVE_BYTES
    journal = Journal(Database(disk / "journal.db", reserve))
    ballast = fill(disk)
    for number in range(500):
        journal.report(Event("error", detail=f"{number}"))
    assert journal.waiting_count() == 500
    assert reserve.check().startswith("disk full: less than")
    assert not (disk / "reserve").exists()
    ballast.unlink()
    assert reserve.check() == ""
    assert (disk / "reserve").stat().st_blocks * 512 >= RESERVE_BYTES


def test_without_a_reserve_the_disk_is_named_and_nothing_recorded_is_lost(disk: Path) -> None:
    journal = Journal(Database(disk / "journal.db"))
    journal.report(Event("error", detail="before"))
    ballast = fill(disk)
    many = (Event("error", detail=f"{number} " + "x" * 5000) for number in range(10_000))
    with pytest.raises(DiskFull, match=r"journal\.db.*full") as raised:
        any(map(journal.report, many))
    assert str(disk) in raised.value.fix
    ballast.unlink()
    journal.report(Event("error", detail="after"))
    details = [event.detail for _, event in journal.waiting(100_000)]
    assert (details[0], details[-1]) == ("before", "after")


def test_a_new_state_folder_on_a_full_disk_is_an_error_with_a_fix(disk: Path) -> None:
    fill(disk)
    with pytest.raises(DiskFull) as raised:
        Journal(Database(disk / "journal.db", DiskReserve(disk)))
    assert "make room" in raised.value.fix


def test_a_disk_that_is_mounted_read_only_is_named(disk: Path) -> None:
    database = Database(disk / "journal.db", DiskReserve(disk))
    Journal(database)
    database.close()
    images = ImageStore(disk / "images")
    images.path("0" * 64).write_bytes(b"old")
    remount(disk, "ro")  # as the kernel does with a disk that fails
    with pytest.raises(DiskFull, match=r"journal\.db") as raised:
        Journal(Database(disk / "journal.db", DiskReserve(disk))).report(Event("error"))
    assert "mend it" in raised.value.fix
    assert "Read-only" in DiskReserve(disk).check()
    images.prune(set())
    assert images.path("0" * 64).exists()


def remount(folder: Path, mode: str) -> None:
    sudo = ["sudo", "-n"] if os.geteuid() else []
    subprocess.run([*sudo, "mount", "-o", f"remount,{mode}", str(folder)], check=True)


@pytest.fixture
def on_small_disk(bench: Bench, disk: Path) -> Bench:
    content = yaml.safe_load(bench.config.read_text()) | {"state": str(disk), "metrics_port": 0}
    bench.config.write_text(yaml.safe_dump(content))
    return bench


def full(bench: Bench) -> bool:
    key = edge_layout.gateway_status("bench")
    return bench.store.get_json_or(key, {}).get("disk", "").startswith("disk full")


@pytest.mark.slow
def test_a_gateway_on_a_full_disk_serves_on_and_flashes_once_there_is_room(
    on_small_disk: Bench, built: Image, disk: Path
) -> None:
    bench = on_small_disk
    bench.place(built)
    release(bench.store, built)
    with running(bench.gateway()) as gateway:
        wait_for(lambda: bench.saw("attested", "v1"), "v1 attested")
        ballast = fill(disk)
        release(bench.store, renamed(built, "v2"))  # new metadata, as every twelve hours
        refresh_metadata(bench.store)
        wait_for(lambda: full(bench), "the full disk in the status", pause=0.05)
        wait_for(lambda: bench.saw("error", ""), "the full disk reported", pause=0.05)
        sight = gateway.workers[0].rest.sight
        wait_for(lambda: gateway.workers[0].rest.sight is not sight, "the board looked at")
        assert gateway.workers[0].state.confirmed.version == "v1"
        assert not bench.saw("flashing", "v2")
        ballast.unlink()
        wait_for(lambda: bench.saw("attested", "v2"), "v2 attested once there is room")
        wait_for(lambda: not full(bench), "room in the status", pause=0.05)
    errors = [event for event in bench.events() if event.kind == "error"]
    assert [(event.device, event.detail[:9]) for event in errors] == [("", "disk full")]
    assert DEVICE in bench.store.get_json(edge_layout.gateway_status("bench"))["devices"]


@pytest.mark.slow
def test_a_gateway_starts_on_a_disk_that_is_full_already(
    on_small_disk: Bench, built: Image, disk: Path
) -> None:
    bench = on_small_disk
    bench.place(built)
    release(bench.store, built)
    with running(bench.gateway()):
        wait_for(lambda: bench.saw("attested", "v1"), "v1 attested")
    ballast = fill(disk)
    with running(bench.gateway()) as gateway:
        wait_for(lambda: full(bench), "the full disk in the status", pause=0.05)
        wait_for(lambda: gateway.workers[0].rest.sight is not None, "the board looked at")
        ballast.unlink()
        wait_for(lambda: not full(bench), "room in the status", pause=0.05)
