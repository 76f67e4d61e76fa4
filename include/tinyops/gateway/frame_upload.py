"""Frames on their way from the gateway's disk to S3."""

from __future__ import annotations

import time

from tinyops.gateway.frame_queue import FrameQueue
from tinyops.gateway.log import say
from tinyops.gateway.outbox import SEND_SECONDS
from tinyops.store import Store, StoreError


class FrameUpload:
    """Used by one thread.

    Parameters
    ----------
    seconds
        The least time between two times that waiting frames are put together to objects.
    """

    def __init__(self, store: Store, queue: FrameQueue, seconds: float) -> None:
        self._store = store
        self._queue = queue
        self._seconds = seconds
        self._due = 0.0
        self._problem = ""

    def send(self, everything: bool = False) -> None:
        """Send what waits, oldest first. A frame is forgotten when S3 has it, not before."""
        seal = everything or time.monotonic() >= self._due
        if seal:
            self._due = time.monotonic() + self._seconds
        end = time.monotonic() + SEND_SECONDS
        try:
            while (waiting := self._queue.next_object(seal)) is not None:
                self._store.put(waiting.key, waiting.content, "application/zstd")
                self._queue.sent(waiting.number)
                if time.monotonic() > end and not everything:
                    break
        except StoreError as error:
            if error.message != self._problem:
                say("frames wait", warn=True, problem=error.message)
            self._problem = error.message
            return
        if self._problem:
            say("frames sent")
        self._problem = ""
