"""The gateway as a process: one thread a device, and one that watches releases and reports."""

from __future__ import annotations

import fcntl
import signal
import threading
import time
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from types import FrameType
from typing import IO

from tinyops.boards.catalogue import load_board
from tinyops.gateway.actions import Actions
from tinyops.gateway.attached_board import AttachedBoard
from tinyops.gateway.bounded_store import BoundedStore
from tinyops.gateway.config import DeviceConfig, GatewayConfig
from tinyops.gateway.connection import Connection
from tinyops.gateway.database import Database, DiskFull
from tinyops.gateway.device_record import DeviceRecord
from tinyops.gateway.disk_reserve import DiskReserve
from tinyops.gateway.disk_watch import DiskWatch
from tinyops.gateway.enrolment import Enrolment
from tinyops.gateway.errors import GatewayError
from tinyops.gateway.flash_budget import FlashBudget
from tinyops.gateway.frame_collector import FrameCollector
from tinyops.gateway.frame_queue import FrameQueue
from tinyops.gateway.frame_upload import FrameUpload
from tinyops.gateway.image_writer import ImageWriter
from tinyops.gateway.images import ImageStore
from tinyops.gateway.journal import Journal
from tinyops.gateway.log import say
from tinyops.gateway.outbox import Outbox
from tinyops.gateway.reset_command import pressed
from tinyops.gateway.rest import Rest
from tinyops.gateway.shelf import Shelf
from tinyops.gateway.shutdown import Shutdown
from tinyops.gateway.status import gateway_status
from tinyops.gateway.watch import ReleaseWatch
from tinyops.gateway.worker import DeviceWorker
from tinyops.store import Store

MAX_DOUBLINGS = 4
"""How often the time between polls doubles while S3 is down."""
SIGNAL_SECONDS = 0.5
"""How often the main thread looks whether a signal has come."""


class Gateway:
    """Runs until `stop`.

    Raises
    ------
    GatewayError
        Another gateway uses the state folder, or a device thread ended by a defect.
    """

    def __init__(self, config: GatewayConfig, store: Store) -> None:
        self._config = config
        self._lock = _claim(config.state)
        self._reserve = DiskReserve(config.state)
        self._disk = DiskWatch(self._reserve)
        self._database = Database(config.state / "journal.db", self._reserve)
        self._journal = Journal(self._database)
        self._actions = Actions(self._database)
        self._budget = FlashBudget(self._database, config.flashes_per_day)
        self._frames = FrameQueue(
            self._database, config.name, config.frames_kept, store.clock.corrected
        )
        self._shutdown = Shutdown(config.stop_seconds)
        self._wake = threading.Event()
        self._defect: BaseException | None = None
        projects = sorted({device.project for device in config.devices})
        self._watch = ReleaseWatch(
            store,
            config.trusted_root,
            config.state / "tuf",
            projects,
            self._journal.report,
            self._reserve.check,
            config.poll_timeout_seconds,
        )
        uploads = BoundedStore(store, config.poll_timeout_seconds)
        self._outbox = Outbox(uploads, self._journal, config.name)
        self._upload = FrameUpload(uploads, self._frames, config.frame_seconds)
        devices = {device.id for device in config.devices}
        images = ImageStore(config.state / "images")
        self._shelf = Shelf(images, self._watch, self._journal, devices, self._reserve)
        self.workers = [self._worker(device) for device in config.devices]

    def run(self) -> None:
        """Serve until `stop` is called or a signal comes (see `stop_on_signals`)."""
        say("gateway starts", name=self._config.name, devices=len(self.workers))
        threads = [
            threading.Thread(target=self._guarded, args=(worker,), name=worker.device.id)
            for worker in self.workers
        ]
        for thread in threads:
            thread.start()
        try:
            with self._metrics():
                self._serve()
        finally:
            self.stop()
            for thread in threads:
                thread.join()
            if not self._watch.outage:
                self._send(everything=True)
            self._database.close()
            self._lock.close()
        say("gateway stopped", name=self._config.name)
        if self._defect is not None:
            raise GatewayError(f"a device thread ended: {self._defect!r}", "report this defect")

    def stop(self) -> None:
        """End at the next safe point; see `gateway.shutdown`."""
        self._shutdown.begin()
        self._wake.set()
        for worker in self.workers:
            worker.wake.set()

    def stop_on_signals(self) -> None:
        """SIGTERM and SIGINT end `run`. For the main thread."""

        def handle(number: int, frame: FrameType | None) -> None:
            # No more than this: the very thread that is interrupted may hold any lock.
            self._shutdown.begin()

        signal.signal(signal.SIGTERM, handle)
        signal.signal(signal.SIGINT, handle)

    def _serve(self) -> None:
        failures = 0
        next_poll = 0.0
        while not self._shutdown.begun:
            if time.monotonic() >= next_poll:
                moved = self._watch.poll()
                failures = failures + 1 if self._watch.outage else 0
                next_poll = time.monotonic() + self._pause(failures)
                if moved:
                    for worker in self.workers:
                        worker.wake.set()
            self._send()
            while not self._shutdown.begun and (left := next_poll - time.monotonic()) > 0:
                if self._wake.wait(min(left, SIGNAL_SECONDS)):
                    self._wake.clear()
                    break

    def _metrics(self) -> AbstractContextManager[object]:
        port = self._config.metrics_port
        if not port:
            return nullcontext()
        from tinyops.gateway.metrics import GatewayCollector
        from tinyops.gateway.metrics_server import MetricsServer

        state, name = self._config.state, self._config.name
        collector = GatewayCollector(
            name, state, self.workers, self._journal, self._frames, self._watch, self._reserve
        )
        try:
            return MetricsServer(port, collector)
        except GatewayError as error:
            say("no metrics", warn=True, problem=error)
            return nullcontext()

    def _send(self, everything: bool = False) -> None:
        try:
            self._disk.report(self._journal.report)
        except DiskFull as error:
            self._disk.cannot_record(error)
        try:
            if self._outbox.send(self._status()):
                self._upload.send(everything)
        except DiskFull as error:
            self._disk.cannot_record(error)

    def _worker(self, device: DeviceConfig) -> DeviceWorker:
        config, board = self._config, load_board(device.board)
        enrolment = Enrolment(self._database, device.id)
        connection = Connection(device.identity, board.protocol.baud, enrolment)
        collector = FrameCollector(
            config, device, connection, self._frames, self._journal, self._reserve
        )
        reset = partial(pressed, device.reset_command, device.id)
        attached = AttachedBoard(board, connection, config.attest_seconds, self._shutdown, reset)
        record = DeviceRecord(config, device, self._journal, self._actions)
        return DeviceWorker(
            config,
            device,
            attached,
            record,
            ImageWriter(device.id, attached, record, self._budget, self._wake.set),
            self._shelf,
            self._watch,
            Rest(config, device, connection, self._shelf, collector),
            self._shutdown,
            self._wake.set,
        )

    def _pause(self, failures: int) -> float:
        return self._config.poll_seconds * 2.0 ** min(max(failures - 1, 0), MAX_DOUBLINGS)

    def _status(self) -> dict[str, object]:
        waiting = self._journal.waiting_count()
        return gateway_status(
            self._config.name,
            self.workers,
            self._frames,
            self._watch.problem,
            waiting,
            self._reserve.problem,
        )

    def _guarded(self, worker: DeviceWorker) -> None:
        try:
            worker.run()
        except BaseException as error:
            say("defect", warn=True, device=worker.device.id, error=repr(error))
            self._defect = error
            self.stop()


def _claim(state: Path) -> IO[str]:
    try:
        for folder in (state, state / "images"):
            folder.mkdir(parents=True, exist_ok=True)
        lock = (state / "gateway.lock").open("w")
    except OSError as error:
        raise GatewayError(
            f"state folder {state}: {error.strerror}", "Free space on its disk, or name another."
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise GatewayError(
            f"another gateway uses {state}", "stop it, or give this one its own state folder"
        ) from None
    return lock
