"""One device: brings it from what it runs to what it shall run, one journalled step at a time.

The steps are idle -> flashing -> attesting -> idle, and restoring -> verifying -> idle when the new
image does not attest. Each step can be repeated from its beginning, so a process that dies at any
point goes on where the journal says, and ends with the new image attested or the old one back.

A confirmed image is written again only to a board that has shown something else. Silence says
nothing about the flash, so it is a reason to ask a person, never to write.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from tinyops.boards.errors import FlashFailed, ImageRefused
from tinyops.errors import TinyOpsError
from tinyops.fleet.event import Kind
from tinyops.gateway.attached_board import AttachedBoard
from tinyops.gateway.attest import Sight
from tinyops.gateway.config import DeviceConfig, GatewayConfig
from tinyops.gateway.database import DiskFull
from tinyops.gateway.device_record import DeviceRecord
from tinyops.gateway.errors import AttestationFailed, StrangeBoard, Unresponsive
from tinyops.gateway.flash_budget import FlashBudgetSpent
from tinyops.gateway.image_writer import ImageWriter
from tinyops.gateway.journal import DeviceState, ImageName, Step
from tinyops.gateway.log import say
from tinyops.gateway.rest import STRANGE_LOOKS, Rest, Strayed
from tinyops.gateway.shelf import Shelf
from tinyops.gateway.shutdown import Shutdown, Stopped
from tinyops.gateway.target_version import TargetVersion
from tinyops.gateway.watch import ReleaseWatch
from tinyops.releases.errors import ReleaseRefused, ReleaseUnavailable

FLASH_TRIES = 5
"""How often a board may fail to hold an image before the old one is put back. A board that says
nothing does not count: nobody may have pressed its button yet."""


class DeviceWorker:
    """Run by a thread of its own."""

    def __init__(
        self,
        config: GatewayConfig,
        device: DeviceConfig,
        board: AttachedBoard,
        record: DeviceRecord,
        writer: ImageWriter,
        shelf: Shelf,
        watch: ReleaseWatch,
        rest: Rest,
        shutdown: Shutdown,
        changed: Callable[[], None],
    ) -> None:
        self.device = device
        self.board = board
        self.writer = writer
        self.wake = threading.Event()
        self.rest = rest
        self.full = ""
        """Why nothing can be recorded; empty when it can."""
        self._config = config
        self._record = record
        self._shelf = shelf
        self._target = TargetVersion(device, watch, shelf, record)
        self._shutdown = shutdown
        self._changed = changed
        self._tried = self.state
        self._flashes_failed = 0

    @property
    def state(self) -> DeviceState:
        """What the journal says of this device."""
        return self._record.state

    @property
    def action(self) -> str:
        """Manual steps that the device waits for; empty for none."""
        return " ".join(filter(None, (self.board.action, *self._record.actions.values())))

    def run(self) -> None:
        """Until the gateway stops."""
        try:
            while not self._shutdown.begun:
                self.wake.clear()
                wait = self._step_or_wait()
                self._changed()
                if wait and not self._shutdown.begun:
                    self.wake.wait(wait)
        finally:
            self.board.leave()

    def step(self) -> float:
        """Take one step; returns the seconds to wait before the next."""
        state = self._tried = self.state
        steps = {
            "idle": self._idle,
            "flashing": self._flash,
            "attesting": self._attest,
            "restoring": self._restore,
            "verifying": self._verify,
        }
        try:
            return steps[state.step](state)
        except Stopped:
            return 0.0
        except DiskFull:
            raise
        except ReleaseUnavailable as error:
            return self._record.failed(self._tried, error, quiet=True)
        except FlashBudgetSpent as error:
            self.writer.deny(self._tried, error)
            return self._record.failed(self._tried, error, quiet=True)
        except StrangeBoard as error:
            self._record.need(self._tried, "strange board", f"{error.message}. {error.fix}")
            return self._record.failed(self._tried, error, quiet=True)
        except Unresponsive as error:
            if not self.board.reset_once():
                self._record.need(self._tried, "unresponsive", self.board.help_wanted(error))
            return self._record.failed(self._tried, error, quiet=True)
        except ImageRefused as error:
            if state.step in ("restoring", "verifying"):
                return self._record.failed(self._tried, error, kind="refused")
            # Once the flash was touched, the earlier image has to come back.
            then: Step = "idle" if state.step == "idle" else "restoring"
            self._record.advance(
                self._tried, "refused", error.message, step=then, verdict=error.message
            )
            return 0.0
        except ReleaseRefused as error:
            return self._record.failed(self._tried, error, kind="refused")
        except TinyOpsError as error:
            return self._record.failed(self._tried, error)

    def _step_or_wait(self) -> float:
        try:
            wait = self.step()
        except DiskFull as error:
            say("cannot go on", warn=True, device=self.device.id, problem=error)
            self.full = error.message
            return self._config.retry_max_seconds
        self.full = ""
        return wait

    def _idle(self, state: DeviceState) -> float:
        wanted = self._target.image(state)
        if wanted and self.writer.allowed(state):
            return self._begin(state, wanted)
        if not wanted and self._target.version:
            self._record.no_longer("flash budget")
        try:
            wait = self.rest.tend(state)
            if self.rest.sight and self.rest.trusted and "unresponsive" in self._record.actions:
                return self._recover(replace(state, pending=ImageName()))
        except Strayed as error:
            detail = f"puts {state.confirmed.version} back: {error.message}"
            self._record.advance(state, "error", detail, step="restoring", pending=ImageName())
            return 0.0
        if self.rest.sight:
            self._record.no_longer("strange board")
        rested = replace(state, failures=0, problem="", pending=ImageName())
        if rested != state and self.rest.trusted:
            self._record.keep(rested)
        return wait

    def _recover(self, state: DeviceState) -> float:
        """The board answers again, and was not written."""
        sight = self.board.attest(self._shelf.fetch(self.device, state.confirmed))
        self._record.advance(state, "attested", "answers again, was not written", step="idle")
        return self._at_rest(sight)

    def _begin(self, state: DeviceState, wanted: ImageName) -> float:
        # What goes wrong from here on is about this version.
        state = self._tried = replace(state, pending=wanted)
        image = self._shelf.fetch(self.device, wanted)
        self.board.admit(image)
        if not state.confirmed and self.board.runs(image):
            # The journal is new and the board is not: it may show that it runs this already.
            self._record.keep(replace(state, step="attesting", failures=0, problem=""))
            return 0.0
        self._flashes_failed = 0
        self._record.advance(state, "flashing", step="flashing")
        return 0.0

    def _flash(self, state: DeviceState) -> float:
        if self._changed_mind(state):
            return 0.0
        image = self._shelf.fetch(self.device, state.pending)
        try:
            report = self.writer.write(state, image)
        except FlashFailed as error:
            self._flashes_failed += 1
            if self._flashes_failed < FLASH_TRIES:
                raise
            self._record.give_up(state, error.message)
            return 0.0
        detail = f"{report.pages} pages, {report.retries} retries, {report.seconds:.1f} s"
        self._record.advance(state, "flashed", detail, step="attesting")
        return 0.0

    def _attest(self, state: DeviceState) -> float:
        image = self._shelf.fetch(self.device, state.pending)
        try:
            sight = self.board.attest(image)
        except AttestationFailed as error:
            self._record.give_up(state, error.message)
            return 0.0
        detail, shown = f"{sight.hello.golden} golden windows", state.pending
        self._record.advance(
            state, "attested", detail, step="idle", confirmed=shown, pending=ImageName()
        )
        return self._at_rest(sight)

    def _restore(self, state: DeviceState) -> float:
        reason = self._record.refused(state.pending)
        if not state.confirmed:
            detail = f"{reason}; no earlier image to put back"
            self._record.advance(state, "refused", detail, step="idle", pending=ImageName())
            return 0.0
        if state.failures >= STRANGE_LOOKS and (wanted := self._target.image(state)):
            return self._begin(state, wanted)
        self.writer.write(state, self._shelf.fetch(self.device, state.confirmed))
        self._record.keep(replace(state, step="verifying", failures=0, problem=""))
        return 0.0

    def _verify(self, state: DeviceState) -> float:
        """Have the board attest the confirmed image that was written back."""
        wanted = self._target.image(state) if state.failures >= STRANGE_LOOKS else ImageName()
        if wanted and self.writer.allowed(state):
            return self._begin(state, wanted)
        try:
            sight = self.board.attest(self._shelf.fetch(self.device, state.confirmed))
        except Unresponsive:
            raise
        except AttestationFailed as error:
            return self._record.failed(replace(state, step="restoring"), error)
        reason = self._record.refused(state.pending)
        detail = f"{state.confirmed.version} is back" + (f": {reason}" if reason else "")
        # Without a pending image the board had only strayed, and now runs what it should.
        kind: Kind = "restored" if state.pending else "attested"
        self._record.advance(state, kind, detail, step="idle", pending=ImageName())
        return self._at_rest(sight)

    def _changed_mind(self, state: DeviceState) -> bool:
        """Whether another release came while this one could not be flashed; then that is begun."""
        version = self._target.version
        if not version or version == state.pending.version:
            return False
        if version == state.confirmed.version:
            self._record.keep(replace(state, step="restoring", failures=0, problem=""))
            return True
        if wanted := self._target.image(state):
            self._begin(state, wanted)
        return bool(wanted)

    def _at_rest(self, sight: Sight) -> float:
        self._record.no_longer("unresponsive", "strange board")
        self._shelf.prune()
        self.rest.begin(sight)
        return 0.0
