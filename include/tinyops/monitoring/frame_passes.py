"""Order in which files of frames are handled: passes of bounded size, all gateways by turns.

A gateway that sends thousands of files holds up neither the others nor the memory of a run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Protocol, TypeVar

from tinyops.monitoring.frame_inbox import FrameFile
from tinyops.sketches.frames import MOST_RECORDS

FILES_A_PASS = 500
RECORDS_A_PASS = 20 * MOST_RECORDS
"""Frames that are checked together at most; the last file may exceed it."""
FILES_A_RUN, RECORDS_A_RUN = 2000, 10 * RECORDS_A_PASS
"""Files and frames after which a run goes on to its verdicts; the others wait for the next run."""


class HasRows(Protocol):
    """Content of a file."""

    @property
    def rows(self) -> list[Any]:
        """One a frame."""


Content = TypeVar("Content", bound=HasRows)


def by_turns(file_ids: Iterable[str]) -> list[FrameFile]:
    """Return files so that gateways take turns; those of a gateway stay in order."""
    turns: Counter[str] = Counter()
    placed = []
    for file in map(FrameFile.from_id, file_ids):
        placed.append((turns[file.gateway], file))
        turns[file.gateway] += 1
    return [file for _, file in sorted(placed)]


def passes(contents: Iterable[Content]) -> Iterator[list[Content]]:
    """Yield files in groups; a group is read when it is asked for."""
    group: list[Content] = []
    for content in contents:
        group.append(content)
        if len(group) >= FILES_A_PASS or sum(len(one.rows) for one in group) >= RECORDS_A_PASS:
            yield group
            group = []
    if group:
        yield group
