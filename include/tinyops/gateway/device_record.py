"""One device's record: its state in the journal, and the events that report what becomes of it."""

from __future__ import annotations

from dataclasses import replace

from tinyops.boards.errors import PortLost
from tinyops.errors import TinyOpsError
from tinyops.fleet.event import Event, Kind
from tinyops.gateway.actions import Actions, Cause
from tinyops.gateway.config import DeviceConfig, GatewayConfig
from tinyops.gateway.journal import DeviceState, ImageName, Journal, Step
from tinyops.gateway.log import say
from tinyops.gateway.rest import STRANGE_LOOKS


class DeviceRecord:
    """Written by the device's thread; `state` may be read by any."""

    def __init__(
        self, config: GatewayConfig, device: DeviceConfig, journal: Journal, actions: Actions
    ) -> None:
        self._config = config
        self._device = device
        self._journal = journal
        self._actions = actions

    @property
    def state(self) -> DeviceState:
        """What the journal says of this device."""
        return self._journal.device(self._device.id, self._device.project)

    @property
    def actions(self) -> dict[str, str]:
        """Manual steps that the device waits for, by cause."""
        return self._actions.of(self._device.id)

    def keep(self, state: DeviceState) -> None:
        """Write a state that nobody needs to hear of."""
        self._journal.record(state)

    def refused(self, image: ImageName) -> str:
        """Why an image may not be tried on this device; empty when it may."""
        return self._journal.refused(self._device.id, image)

    def advance(
        self,
        state: DeviceState,
        kind: Kind,
        detail: str = "",
        verdict: str = "",
        **change: Step | ImageName,
    ) -> None:
        """Take a step from `state`, with the event that reports it."""
        say(kind, device=self._device.id, version=_about(state), detail=detail)
        after = replace(state, failures=0, problem="", **change)  # type: ignore[arg-type]
        self._journal.record(after, self._event(kind, state, detail), verdict)

    def give_up(self, state: DeviceState, reason: str) -> None:
        """The pending image is not tried again; what comes of the restoring is reported."""
        say("not attested", warn=True, device=self._device.id, reason=reason)
        after = replace(state, step="restoring", failures=0, problem=reason)
        self._journal.record(after, verdict=reason)

    def failed(
        self, state: DeviceState, error: TinyOpsError, kind: Kind = "error", quiet: bool = False
    ) -> float:
        """Note a failure of a step; returns the seconds to wait. A problem is reported once."""
        failures = state.failures + 1
        event = None
        # A board at rest may be away for a moment, as when everything is started at once.
        patient = state.step == "idle" and isinstance(error, PortLost)
        if failures == STRANGE_LOOKS if patient else error.message != state.problem:
            say(kind, warn=True, device=self._device.id, step=state.step, problem=error.message)
            if not quiet:
                event = self._event(kind, state, f"{state.step}: {error}")
        self._journal.record(replace(state, failures=failures, problem=error.message), event)
        seconds = self._config.retry_seconds * 2.0 ** min(failures - 1, 16)
        return min(seconds, self._config.retry_max_seconds)

    def action_needed(self, state: DeviceState, what: str, report: bool) -> None:
        """A person has to do something; an event only if it shall be reported."""
        say("action needed", warn=True, device=self._device.id, action=what)
        if report:
            self._journal.report(self._event("action_needed", state, what))

    def need(self, state: DeviceState, cause: Cause, what: str) -> None:
        """Record a manual step until `no_longer`; one event, even over a restart."""
        if self._actions.need(self._device.id, cause, what):
            self.action_needed(state, what, report=True)

    def no_longer(self, *causes: Cause) -> None:
        """Remove manual steps whose cause is gone."""
        self._actions.end(self._device.id, *causes)

    def _event(self, kind: Kind, state: DeviceState, detail: str) -> Event:
        device = self._device
        return Event(kind, device.project, _about(state), device.id, device.target, detail)


def _about(state: DeviceState) -> str:
    return state.pending.version or state.confirmed.version
