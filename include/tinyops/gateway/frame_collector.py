"""Fetches one device's frames. A frame is on the gateway's disk before the device may drop it."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime

from tinyops.boards.image import Image
from tinyops.boards.link import Link, LinkRefused
from tinyops.boards.messages import Hello, MessageError
from tinyops.fleet.event import Event
from tinyops.gateway.attest import ASK, differs
from tinyops.gateway.config import DeviceConfig, GatewayConfig
from tinyops.gateway.connection import Connection
from tinyops.gateway.database import DiskFull
from tinyops.gateway.disk_reserve import DiskReserve
from tinyops.gateway.frame_order import FrameRefused, place
from tinyops.gateway.frame_queue import FrameQueue
from tinyops.gateway.journal import Journal
from tinyops.gateway.log import say
from tinyops.sketches.frames import FrameRecord, window_of

MOST = 32
"""Frames fetched in one visit; a device keeps eight."""
NO_SUCH_REQUEST = 2
"""A device's answer, as in link.h, whose image is older than frames."""
KEPT_ON_FULL_DISK = 1000
"""Frames that may wait for S3 while the disk is full; further ones stay on the device."""
REPORT_SECONDS = 3600.0
"""How long after a report of refused frames the next one for the same reason may follow."""


class FrameCollector:
    """Used by the device's thread alone."""

    def __init__(
        self,
        config: GatewayConfig,
        device: DeviceConfig,
        connection: Connection,
        queue: FrameQueue,
        journal: Journal,
        reserve: DiskReserve,
    ) -> None:
        self.due = 0.0
        """When to visit next (time.monotonic)."""
        self._config = config
        self._device = device
        self._connection = connection
        self._queue = queue
        self._journal = journal
        self._reserve = reserve
        self._settled = False  # whether the device has dropped the last frame that was kept
        self._reported: dict[str, float] = {}

    def visit(self, image: Image) -> None:
        """Fetch what the device has, if it is time and the device runs `image`.

        Raises
        ------
        TinyOpsError
            The device does not answer; what was fetched so far is kept.
        DiskFull
            A frame cannot be kept; the device keeps it.
        """
        if time.monotonic() < self.due:
            return
        self.due = time.monotonic() + self._config.frame_seconds
        if not image.header.reference_tag:
            self.due = math.inf
            return
        if self._reserve.problem and self._queue.waiting_count() >= KEPT_ON_FULL_DISK:
            raise DiskFull(self._reserve.problem, "Free space; S3 then gets the frames.")
        with self._connection.link() as link:
            hello = link.hello(ASK, attempts=3)
            self._connection.recognise(hello)
            if differs(hello, image):
                return
            try:
                self._fetch(link, hello)
            except LinkRefused as error:
                if error.code != NO_SUCH_REQUEST:
                    raise
                say("device has no frames", device=self._device.id, version=hello.image.version)
                self.due = math.inf
            except MessageError as error:
                self._refuse(hello, "not a frame's size", error.message)

    def start(self) -> None:
        """The device has attested: it may run another image now."""
        self.due = 0.0

    def _fetch(self, link: Link, hello: Hello) -> None:
        before = None
        data = link.frame(timeout=ASK, attempts=3)
        for _ in range(MOST):
            if data is None or data == before:
                return
            self._keep(data, hello)
            before = data
            data = link.frame(window_of(data), timeout=ASK, attempts=3)
            self._settled = True

    def _keep(self, data: bytes, hello: Hello) -> None:
        last = self._queue.position(self._device.id)
        if last is not None and data == last.frame and not self._settled:
            return  # the end came between keeping it and telling the device so
        now = datetime.fromtimestamp(self._queue.clock(), UTC)
        try:
            position = place(data, hello, last, int(now.timestamp()))
        except FrameRefused as error:
            self._refuse(hello, error.message, data.hex())
            return
        header = hello.image
        record = FrameRecord(
            project=self._device.project,
            gateway=self._config.name,
            device=self._device.id,
            board=self._device.board,
            target=header.target,
            version=header.version,
            model_sha256=header.model_sha256,
            reference_tag=header.reference_tag,
            epoch=position.epoch,
            window=position.window,
            received_at=now.isoformat(),
            virtual=header.target.endswith("-virtual"),
            frame=data,
        )
        self._settled = False
        if dropped := self._queue.add(record, position):
            say("frames dropped", warn=True, count=dropped, kept=self._config.frames_kept)

    def _refuse(self, hello: Hello, reason: str, detail: str) -> None:
        device, version = self._device, hello.image.version
        count = self._queue.refuse(device.id, reason)
        reported = self._reported.get(reason)
        if reported is not None and time.monotonic() - reported < REPORT_SECONDS:
            return
        self._reported[reason] = time.monotonic()
        say("frames refused", warn=True, device=device.id, reason=reason, count=count)
        text = f"{reason}: {count} so far; {detail}"
        event = Event("frames_refused", device.project, version, device.id, device.target, text)
        self._journal.report(event)
