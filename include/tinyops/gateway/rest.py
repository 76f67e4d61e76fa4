"""A device at rest: it is looked at now and then, and its frames are fetched."""

from __future__ import annotations

import time

from tinyops.boards.errors import PortLost
from tinyops.errors import TinyOpsError
from tinyops.gateway.attest import Sight, differs, look
from tinyops.gateway.config import DeviceConfig, GatewayConfig
from tinyops.gateway.connection import Connection
from tinyops.gateway.database import DiskFull
from tinyops.gateway.errors import GatewayError, StrangeBoard, Unresponsive
from tinyops.gateway.frame_collector import FrameCollector
from tinyops.gateway.journal import DeviceState
from tinyops.gateway.shelf import Shelf

STRANGE_LOOKS = 3
"""Looks in a row that must show something else before the confirmed image is put back, or go
unanswered before a person is asked."""


class Strayed(GatewayError):
    """The device does not run what it has confirmed."""


class Rest:
    """Used by the device's thread; `sight` is what the device said when it was last looked at."""

    def __init__(
        self,
        config: GatewayConfig,
        device: DeviceConfig,
        connection: Connection,
        shelf: Shelf,
        collector: FrameCollector,
    ) -> None:
        self.sight: Sight | None = None
        self.strange = 0
        """Looks in a row that have shown something else than the confirmed image."""
        self.silent = 0
        """Looks in a row that went unanswered."""
        self._config = config
        self._device = device
        self._connection = connection
        self._shelf = shelf
        self._collector = collector
        self._look_at = 0.0

    @property
    def trusted(self) -> bool:
        """Return True if the newest look found nothing wrong, or none was made yet."""
        return not self.strange and not self.silent

    def begin(self, sight: Sight) -> None:
        """The device has just attested."""
        self.sight = sight
        self.strange = self.silent = 0
        self._look_at = time.monotonic() + self._config.watch_seconds
        self._collector.start()

    def tend(self, state: DeviceState) -> float:
        """Do what is due; returns the seconds until there is more to do.

        Raises
        ------
        PortLost
            There is no port.
        StrangeBoard
            Another board is in the device's place.
        Strayed
            STRANGE_LOOKS looks in a row have shown something else.
        Unresponsive
            STRANGE_LOOKS looks in a row or more went unanswered. That says nothing about the flash.
        ReleaseRefused, ReleaseUnavailable
            The confirmed image cannot be read.
        """
        if time.monotonic() >= self._look_at:
            self._look(state)
            seconds = self._config.watch_seconds if self.trusted else self._config.retry_seconds
            self._look_at = time.monotonic() + seconds
        due = self._look_at
        if state.confirmed and self.trusted:
            self._collect(state)
            due = min(self._look_at, self._collector.due)
        return max(0.0, due - time.monotonic())

    def _look(self, state: DeviceState) -> None:
        try:
            sight = look(self._connection)
        except (PortLost, StrangeBoard):
            self.sight = None
            raise
        except TinyOpsError as error:
            self.sight = None
            self._unanswered(state, error)
            return
        self.sight, self.silent = sight, 0
        strange = ""
        if state.confirmed:
            confirmed = self._shelf.fetch(self._device, state.confirmed)
            strange = differs(sight.hello, confirmed)
            if not strange:
                self._connection.bind(sight.hello)
        self.strange = self.strange + 1 if strange else 0
        if self.strange >= STRANGE_LOOKS:
            self.strange = 0
            raise Strayed(strange)

    def _unanswered(self, state: DeviceState, error: TinyOpsError) -> None:
        self.strange = 0
        self.silent = self.silent + 1 if state.confirmed else 0
        if self.silent >= STRANGE_LOOKS:
            self._look_at = time.monotonic() + self._config.watch_seconds
            raise Unresponsive(error.message)

    def _collect(self, state: DeviceState) -> None:
        try:
            self._collector.visit(self._shelf.fetch(self._device, state.confirmed))
        except (DiskFull, StrangeBoard):
            raise
        except TinyOpsError:
            self._look_at = 0.0  # the look tells what is wrong
