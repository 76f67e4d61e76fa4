"""This machine's clock compared with the `Date` of the S3 server's answers.

Single-board computers without a battery boot with a wrong time. S3 then refuses their signatures,
and signed metadata looks expired. Only messages and the dates of frames depend on the comparison:
whoever answers for S3 cannot make a gateway accept anything by it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

TOLERANCE = 300.0
"""Seconds that the clocks may differ. S3 itself accepts signatures for 15 minutes."""


class ServerClock:
    """Latest comparison; safe to share between threads."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._ahead: tuple[float, float] | None = None

    @property
    def known(self) -> bool:
        """Return True if an answer had a date that could be read."""
        return self._ahead is not None

    @property
    def offset(self) -> float:
        """Seconds to add to this machine's clock for the server's time; 0 if it is not known.

        A clock that was set since the answer counts as it is now.
        """
        if self._ahead is None:
            return 0.0
        server, monotonic = self._ahead
        return server + (time.monotonic() - monotonic) - self._clock()

    @property
    def off(self) -> bool:
        """Return True if the clocks differ by more than TOLERANCE."""
        return abs(self.offset) > TOLERANCE

    def corrected(self) -> float:
        """Unix time in seconds: by this machine, or by the server if the clock is off."""
        return self._clock() + (self.offset if self.off else 0.0)

    def describe(self) -> tuple[str, str]:
        """Message and fix for a clock that is off."""
        here = datetime.fromtimestamp(self._clock(), UTC)
        there = datetime.fromtimestamp(self._clock() + self.offset, UTC)
        return (
            f"this machine's clock is off: {here:%Y-%m-%d %H:%M} UTC, the S3 server's is "
            f"{there:%Y-%m-%d %H:%M} UTC",
            "Set the clock, such as by `timedatectl set-ntp true`; nothing needs a restart.",
        )

    def note(self, headers: Mapping[str, str], cacheable: bool = False) -> None:
        """Compare with an answer's headers, whose names are in lower case.

        An answer that a cache may have kept counts only if it is later than what is known. `Age` is
        how long it was kept, in seconds.
        """
        try:
            date = parsedate_to_datetime(headers["date"]).timestamp()
            date += max(float(headers.get("age", 0)), 0.0)
        except (KeyError, ValueError, TypeError, OverflowError):
            return
        now = time.monotonic()
        if cacheable and self._ahead is not None:
            server, monotonic = self._ahead
            date = max(date, server + now - monotonic)
        self._ahead = date, now

    def watch(self, client: Any) -> None:
        """Compare at each answer that a boto3 client gets."""
        client.meta.events.register("response-received.s3", self._received)

    def _received(self, event_name: str = "", response_dict: Any = None, **_: Any) -> None:
        if response_dict:
            headers = response_dict.get("headers") or {}
            operation = event_name.rpartition(".")[2]
            self.note(
                {name.lower(): value for name, value in headers.items()},
                cacheable=operation.startswith(("Get", "Head", "List")),
            )
