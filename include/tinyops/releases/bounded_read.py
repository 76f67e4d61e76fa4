"""Reads that end at a deadline, however slowly the server answers.

The time-outs of an HTTP client bound the wait for the next bytes, not for all of them: a server
that sends one byte every few seconds is never too late. So a thread of its own reads, and whoever
waits for it stops waiting at the deadline. The thread ends with its connection.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

T = TypeVar("T")

MOST_READERS = 4
"""Threads that may still wait for a server that nobody waits for any more."""


class ReadTimeout(Exception):
    """The deadline has passed before the last byte."""


@dataclass(frozen=True)
class _Piece(Generic[T]):
    content: T


class BoundedReader:
    """Runs at most MOST_READERS reads at a time; safe to share between threads."""

    def __init__(self) -> None:
        self._slots = threading.BoundedSemaphore(MOST_READERS)

    def read(self, source: Callable[[], Iterator[T]], deadline: float) -> Iterator[T]:
        """Pieces of `source`, and its exceptions.

        Parameters
        ----------
        deadline
            Of time.monotonic, in seconds.

        Raises
        ------
        ReadTimeout
            The deadline has passed, or earlier reads still wait for the server.
        """
        if not self._slots.acquire(blocking=False):
            raise ReadTimeout(f"{MOST_READERS} earlier requests are still unanswered")
        pieces: Queue[_Piece[T] | BaseException | None] = Queue(maxsize=16)
        abandoned = threading.Event()
        threading.Thread(
            target=self._run, args=(source, pieces, abandoned), name="s3 read", daemon=True
        ).start()
        try:
            while True:
                try:
                    piece = pieces.get(timeout=max(deadline - time.monotonic(), 0.001))
                except Empty:
                    raise ReadTimeout("no complete answer in time") from None
                if piece is None:
                    return
                if isinstance(piece, BaseException):
                    raise piece
                yield piece.content
        finally:
            abandoned.set()

    def _run(
        self,
        source: Callable[[], Iterator[T]],
        pieces: Queue[_Piece[T] | BaseException | None],
        abandoned: threading.Event,
    ) -> None:
        def hand_over(piece: _Piece[T] | BaseException | None) -> bool:
            while not abandoned.is_set():
                try:
                    pieces.put(piece, timeout=0.2)
                    return True
                except Full:
                    continue
            return False

        try:
            for piece in source():
                if not hand_over(_Piece(piece)):
                    return
            hand_over(None)
        except BaseException as error:
            hand_over(error)
        finally:
            self._slots.release()
