"""The quality gate of frames: bad frames are set aside with a reason, the others go on.

First every frame is checked against its release, its device's gateway and the clock. Those that
pass must then have counted windows that no other frame of the same device and epoch has counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from tinyops.data.quality.validation import failures, validate
from tinyops.monitoring.device_binding import Bindings
from tinyops.monitoring.frame_suite import (
    KnownRelease,
    counter_expectations,
    counter_table,
    frame_expectations,
    frame_table,
)
from tinyops.monitoring.table import Row
from tinyops.projects import Project

SHOWN_ENTRIES = 50
"""Entries of a list in Great Expectations' results, such as rows that fail; their number stands
beside them."""


@dataclass(frozen=True)
class SetAside:
    """A frame that may not go on, and why; the first reason is the one that is counted."""

    row: Row
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Gated:
    """What the gate found; `validations` are GX's results as JSON content."""

    good: list[Row]
    bad: list[SetAside] = field(default_factory=list)
    validations: list[dict[str, Any]] = field(default_factory=list)

    def bad_of(self, file_id: str) -> list[SetAside]:
        """Return the bad frames of one file."""
        return self._bad_by_file.get(file_id, [])

    @cached_property
    def _bad_by_file(self) -> dict[str, list[SetAside]]:
        found: dict[str, list[SetAside]] = {}
        for one in self.bad:
            found.setdefault(one.row.file, []).append(one)
        return found

    @property
    def reasons(self) -> dict[str, int]:
        """{first reason: how many frames}."""
        return dict(Counter(one.reasons[0] for one in self.bad))


def check_frames(
    rows: list[Row],
    project: Project,
    releases: Mapping[str, KnownRelease],
    stored: Iterable[Row],
    bindings: Bindings,
    now: datetime,
) -> Gated:
    """Check frames against the project's releases, devices, the clock and the frames before them.

    Parameters
    ----------
    rows
        In the order of arrival: of two that counted the same windows the first goes on.
    releases
        {version: what its frames must say}.
    stored
        Accepted frames of the same devices.
    bindings
        Gateways of the project's devices.

    Raises
    ------
    GateError
        An expectation raised instead of answering.
    """
    if not rows:
        return Gated([])
    alone = _hold(
        rows, frame_table(rows, releases, bindings, now), frame_expectations(project, releases)
    )
    if not alone.good:
        return alone
    among = _hold(alone.good, counter_table(alone.good, stored), counter_expectations())
    return Gated(among.good, alone.bad + among.bad, alone.validations + among.validations)


def _hold(rows: list[Row], table: Any, expectations: list[Any]) -> Gated:
    validation = validate(table, "frames", expectations, "frames")
    failed, _ = failures(validation)
    return Gated(
        [row for at, row in enumerate(rows) if at not in failed],
        [
            SetAside(rows[at], tuple(one.meta["reason"] for one in found))
            for at, found in sorted(failed.items())
        ],
        [_shortened(validation.to_json_dict())],
    )


def _shortened(content: Any) -> Any:
    """JSON content with at most SHOWN_ENTRIES of each list: a bad file fails with all its rows."""
    if isinstance(content, dict):
        return {key: _shortened(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_shortened(value) for value in content[:SHOWN_ENTRIES]]
    return content
