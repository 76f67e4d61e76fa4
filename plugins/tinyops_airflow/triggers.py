"""Waiting on S3: one trigger that yields while inputs have no receipt."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from importlib import import_module
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from tinyops.errors import TinyOpsError
from tinyops.store import Store

REPEAT_SECONDS = 300.0
"""Work that stays outstanding is announced again: its run may have failed."""

LONGEST_PAUSE_SECONDS = 60.0
"""The pause between polls doubles up to this while S3 does not answer."""


def poll_seconds() -> float:
    """Pause between two polls: $TINYOPS_POLL_SECONDS, or 5."""
    return max(0.1, float(os.environ.get("TINYOPS_POLL_SECONDS") or 5.0))


def monitor_seconds() -> float:
    """Shortest time between two runs that judge frames: $TINYOPS_MONITOR_SECONDS, or 60.

    A run imports Great Expectations, which costs seconds: it is not made for every frame.
    """
    return max(0.0, float(os.environ.get("TINYOPS_MONITOR_SECONDS") or 60.0))


class OutstandingTrigger(BaseEventTrigger):
    """Yields the ids of inputs that are ready and have no receipt.

    An event is yielded when an id appears that was not announced yet, and again every `repeat`
    seconds while anything is outstanding. Nothing is remembered beyond the process: a
    restarted triggerer announces what is outstanding once more, which is harmless because the
    consumer reconciles from S3.

    Parameters
    ----------
    project
        Whose inputs.
    outstanding
        `package.module:function`, called with (store, project) for the ids. It is the function
        that the consumer itself works from, so both always agree on what is left.
    apart
        Seconds between two events at least: what arrives meanwhile is announced together.
    repeat
        Seconds after which work that is still outstanding is announced again.
    """

    def __init__(
        self, project: str, outstanding: str, apart: float = 0.0, repeat: float = REPEAT_SECONDS
    ) -> None:
        super().__init__()
        self.project = project
        self.outstanding = outstanding
        self.apart = apart
        self.repeat = repeat

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments; equal arguments share one row in Airflow's database."""
        arguments = {"project": self.project, "outstanding": self.outstanding}
        return (
            "tinyops_airflow.triggers.OutstandingTrigger",
            arguments | {"apart": self.apart, "repeat": self.repeat},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll for ever. S3 is asked in a thread, so other triggers go on meanwhile."""
        store: Store | None = None
        announced: frozenset[str] = frozenset()
        announced_at = 0.0
        pause = poll_seconds()
        while True:
            try:
                # botocore takes about a second to import and to read its data files: not on the
                # event loop. One attempt: the loop itself is the retry.
                store = store or await asyncio.to_thread(Store.from_env, attempts=1, timeout=10.0)
                found = await asyncio.to_thread(self._look, store)
            except (TinyOpsError, OSError) as error:
                pause = min(LONGEST_PAUSE_SECONDS, pause * 2)
                self.log.warning(
                    "%s: cannot look for work, next try in %.0f s: %s", self.project, pause, error
                )
            else:
                if pause > poll_seconds():
                    self.log.info("%s: S3 answers again", self.project)
                pause = poll_seconds()
                new = not announced.issuperset(found)
                announced = frozenset(found)
                if found and (new or time.monotonic() - announced_at >= self.repeat):
                    announced_at = time.monotonic()
                    self.log.info("%s: %d outstanding", self.project, len(found))
                    yield TriggerEvent({"ids": found})
                    await asyncio.sleep(self.apart)
            await asyncio.sleep(pause)

    def _look(self, store: Store) -> list[str]:
        module, _, function = self.outstanding.partition(":")
        find: Callable[[Store, str], list[str]] = getattr(import_module(module), function)
        return find(store, self.project)
