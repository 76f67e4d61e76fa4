"""Writes images to one board within the device's budget of flashes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tinyops.boards.errors import FlashFailed
from tinyops.boards.flash_report import FlashReport
from tinyops.boards.image import Image
from tinyops.gateway.attached_board import AttachedBoard
from tinyops.gateway.device_record import DeviceRecord
from tinyops.gateway.flash_budget import FlashBudget, FlashBudgetSpent
from tinyops.gateway.journal import DeviceState


class ImageWriter:
    """Used by the device's thread alone.

    Parameters
    ----------
    changed
        Called when the device's status has changed.
    """

    def __init__(
        self,
        device: str,
        board: AttachedBoard,
        record: DeviceRecord,
        budget: FlashBudget,
        changed: Callable[[], None],
    ) -> None:
        self._device = device
        self._board = board
        self._record = record
        self._budget = budget
        self._changed = changed
        self._asked = False  # whether it was reported that this flash needs a person

    @property
    def flashes(self) -> dict[str, int]:
        """Flashes within the last 24 hours, and how many are allowed."""
        return {"last_24h": self._budget.used(self._device), "per_day": self._budget.per_day}

    def allowed(self, state: DeviceState) -> bool:
        """Return True if a flash may begin; otherwise a person is asked."""
        try:
            self._budget.require(self._device)
        except FlashBudgetSpent as error:
            self.deny(state, error)
            return False
        self._record.no_longer("flash budget")
        return True

    def deny(self, state: DeviceState, error: FlashBudgetSpent) -> None:
        """Ask a person to find out why the budget is spent."""
        self._record.need(state, "flash budget", f"{error.message}. {error.fix}")

    def write(self, state: DeviceState, image: Image) -> FlashReport:
        """Write an image; see `AttachedBoard.flash`.

        Raises
        ------
        FlashBudgetSpent
            The device was flashed too often today. Nothing was written.
        """
        number = self._budget.spend(self._device)
        try:
            report = self._board.flash(image, partial(self._ask, state))
        except BaseException as error:
            # A board that never left its application, or waits for RESET, has lost no erase cycle.
            if not self._board.written and not isinstance(error, FlashFailed):
                self._budget.refund(number)
            raise
        self._asked = False
        self._record.no_longer("flash budget")
        return report

    def _ask(self, state: DeviceState, what: str) -> None:
        self._record.action_needed(state, what, report=not self._asked)
        self._asked = True
        self._changed()
