"""Events and status on their way to S3. Nothing is forgotten while S3 is down."""

from __future__ import annotations

import time
from typing import Any

from tinyops.gateway.database import DiskFull
from tinyops.gateway.journal import Journal
from tinyops.gateway.log import say
from tinyops.store import Store, StoreError, edge_layout

SEND_SECONDS = 20.0
"""After so long the rest of the events waits for the next round, and releases are polled first."""
STATUS_SECONDS = 30.0
"""How old an unchanged status may get: its time is the gateway's sign of life."""


class Outbox:
    """Used by one thread."""

    def __init__(self, store: Store, journal: Journal, gateway: str) -> None:
        self._store = store
        self._journal = journal
        self._gateway = gateway
        self._written: dict[str, Any] = {}
        self._written_at = 0.0
        self._problem = ""

    def send(self, status: dict[str, Any]) -> bool:
        """Send what waits, oldest first, then the status if it has changed or is old.

        An event's name is fixed when it happens, so sending it twice is harmless. False when S3
        takes nothing.

        Raises
        ------
        DiskFull
            It cannot be recorded that events were sent; they are sent again. The status was sent.
        """
        full: DiskFull | None = None
        try:
            try:
                self._send_events()
                status = {**status, "events_waiting": self._journal.waiting_count()}
            except DiskFull as error:
                full = error
            self._send_status(status)
        except StoreError as error:
            if error.message != self._problem:
                self._problem = error.message
                say("events wait", warn=True, problem=error.message)
            return False
        if self._problem:
            self._problem = ""
            say("events sent")
        if full is not None:
            raise full
        return True

    def _send_events(self) -> None:
        end = time.monotonic() + SEND_SECONDS
        while events := self._journal.waiting():
            for number, event in events:
                key = edge_layout.gateway_event(self._gateway, event.id)
                self._store.put_json(key, event.content())
                self._journal.sent(number)
                if time.monotonic() > end:
                    return

    def _send_status(self, status: dict[str, Any]) -> None:
        content = {name: value for name, value in status.items() if name != "at"}
        if content == self._written and time.monotonic() - self._written_at < STATUS_SECONDS:
            return
        self._store.put_json(edge_layout.gateway_status(self._gateway), status)
        self._written, self._written_at = content, time.monotonic()
