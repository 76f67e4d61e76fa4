"""What the devices shall run: the newest verified releases, kept through S3 outages."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tinyops.fleet.event import Event
from tinyops.gateway.log import say
from tinyops.releases.client import ReleaseClient
from tinyops.releases.errors import ReleaseAbsent, ReleaseRefused, ReleaseUnavailable
from tinyops.releases.rollout import Channel
from tinyops.store import Store


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
    """

    def __init__(
        self,
        store: Store,
        trusted_root: Path,
        cache: Path,
        projects: Iterable[str],
        report: Callable[[Event], None],
    ) -> None:
        self._store = store
        self._root = trusted_root
        self._cache = cache
        self._report = report
        self._lock = threading.Lock()
        self._channels: dict[str, Channel | None] = dict.fromkeys(projects)
        self._client: ReleaseClient | None = None
        self._problem = "starting"
        self.outage = False
        self.reached_at = 0.0
        """When S3 last answered, in Unix seconds; 0 before."""
        self._reported: set[str] = set()

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
        """Look for releases once; True when a channel has moved. Never raises for S3 or TUF."""
        before = dict(self._channels)
        problem = self._refresh()
        if problem != self._problem:
            if problem:
                say("releases not current", warn=True, problem=problem)
            else:
                say("releases current")
        self._problem = problem
        if self._root.exists() and not self.outage:
            self.reached_at = time.time()
        return before != self._channels

    def _refresh(self) -> str:
        self.outage = False
        if not self._root.exists():
            return f"no trusted root: {self._root} is missing"
        try:
            client = self._client or ReleaseClient(
                self._store, self._root.read_bytes(), self._cache
            )
            client.refresh()
            self._client = client
        except ReleaseAbsent:
            return "nothing was released yet"
        except ReleaseUnavailable as error:
            self.outage = True
            return error.message
        except ReleaseRefused as error:
            return self._refused("", error)
        problems = [self._follow(client, project) for project in self._channels]
        if not any(problems):
            self._reported.clear()
        return "; ".join(filter(None, problems))

    def _follow(self, client: ReleaseClient, project: str) -> str:
        try:
            channel = client.channel(project)
        except ReleaseUnavailable as error:
            self.outage = True
            return error.message
        except ReleaseRefused as error:
            return self._refused(project, error)
        with self._lock:
            self._channels[project] = channel
        return ""

    def _refused(self, project: str, error: ReleaseRefused) -> str:
        # Each refusal is reported once, until the repository is well again.
        if error.message not in self._reported:
            self._reported.add(error.message)
            self._report(Event("refused", project=project, detail=error.message))
        return error.message
