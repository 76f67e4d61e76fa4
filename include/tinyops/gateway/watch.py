"""What the devices shall run: the newest verified releases, kept through S3 outages."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tinyops.fleet.event import Event
from tinyops.gateway.database import DiskFull
from tinyops.gateway.log import say
from tinyops.releases.client import POLL_SECONDS, ReleaseClient
from tinyops.releases.errors import (
    ClockWrong,
    ReleaseAbsent,
    ReleaseBusy,
    ReleaseError,
    ReleaseRefused,
    ReleaseUnavailable,
)
from tinyops.releases.rollout import Channel
from tinyops.store import Store

REPORT_SECONDS = 3600.0
"""A refusal is reported again only if it was absent for so long: a cache that answers with old and
new metadata in turn is one problem."""


class ReleaseWatch:
    """Polled by one thread, read by many.

    Parameters
    ----------
    trusted_root
        Path of root.json. It may come later than the gateway: until then nothing is released.
    cache
        Folder for the TUF client.
    projects
        Whose channels to follow.
    report
        Takes the events.
    disk_problem
        Returns why nothing may be written to the cache now; empty if it may.
    poll_seconds
        Limit for one poll.
    """

    def __init__(
        self,
        store: Store,
        trusted_root: Path,
        cache: Path,
        projects: Iterable[str],
        report: Callable[[Event], None],
        disk_problem: Callable[[], str] = lambda: "",
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._store = store
        self._root = trusted_root
        self._cache = cache
        self._report = report
        self._disk_problem = disk_problem
        self._poll_seconds = poll_seconds
        self._lock = threading.Lock()
        self._channels: dict[str, Channel | None] = dict.fromkeys(projects)
        self._client: ReleaseClient | None = None
        self._problem = "starting"
        self.outage = False
        self._asked = False  # whether S3 was asked at this poll
        self.reached_at = 0.0
        """When S3 last answered, in Unix seconds; 0 before."""
        self._reported: dict[str, float] = {}  # when a problem was last met, time.monotonic

    @property
    def problem(self) -> str:
        """Why releases are not current; empty when they are."""
        return self._problem

    def client(self) -> ReleaseClient:
        """The verified repository; ReleaseUnavailable before the first poll that succeeded."""
        if self._client is None:
            raise ReleaseUnavailable(f"no release has been read: {self._problem}", "wait")
        return self._client

    def wanted(self, project: str, device: str) -> str:
        """The version a device shall run; empty when there is none for it."""
        with self._lock:
            channel = self._channels.get(project)
        return channel.version_for(device) if channel else ""

    def poll(self) -> bool:
        """Look for releases once; True when a channel has moved.

        Raises nothing for S3, TUF or the disk: what was verified before stays in use.
        """
        before = dict(self._channels)
        problem = self._refresh()
        if problem != self._problem:
            if problem:
                say("releases not current", warn=True, problem=problem)
            else:
                say("releases current")
        self._problem = problem
        if self._asked and not self.outage:
            self.reached_at = time.time()
        return before != self._channels

    def _refresh(self) -> str:
        self.outage = self._asked = False
        if not self._root.exists():
            return f"no trusted root: {self._root} is missing"
        if problem := self._disk_problem():
            return problem
        self._asked = True
        try:
            client = self._client or self._new_client()
            client.refresh()
            self._client = client
        except ReleaseAbsent:
            return "nothing was released yet"
        except ReleaseBusy:
            return self._problem
        except ReleaseError as error:
            return self._unusable("", error)
        problems = [self._follow(client, project) for project in self._channels]
        return "; ".join(filter(None, problems))

    def _follow(self, client: ReleaseClient, project: str) -> str:
        try:
            channel = client.channel(project)
        except ReleaseBusy:
            return self._problem
        except ReleaseError as error:
            return self._unusable(project, error)
        with self._lock:
            self._channels[project] = channel
        return ""

    def _new_client(self) -> ReleaseClient:
        try:
            root = self._root.read_bytes()
        except OSError as error:
            raise ReleaseError(f"trusted root {self._root}: {error}", "Copy root.json.") from None
        return ReleaseClient(self._store, root, self._cache, self._poll_seconds)

    def _unusable(self, project: str, error: ReleaseError) -> str:
        """Report what needs a person, once; returns what the status shows."""
        match error:
            case ClockWrong():
                # Polled at the usual pace: the clock may be right any moment.
                self._report_once(Event("error", project=project, detail=str(error)))
                return str(error)
            case ReleaseUnavailable():
                self.outage = True
            case ReleaseRefused():
                self._report_once(Event("refused", project=project, detail=str(error)))
        return error.message

    def _report_once(self, event: Event) -> None:
        # The first line of a clock's message has the time in it.
        now, problem = time.monotonic(), f"{event.kind} {event.project} {_without_digits(event)}"
        self._reported = {
            known: at for known, at in self._reported.items() if now - at < REPORT_SECONDS
        }
        if problem not in self._reported:
            try:
                self._report(event)
            except DiskFull as error:
                say("event not recorded", warn=True, problem=error)
                return
        self._reported[problem] = now


def _without_digits(event: Event) -> str:
    """Detail of an event without versions and times, which change from poll to poll."""
    return re.sub(r"\d+", "#", event.detail)
