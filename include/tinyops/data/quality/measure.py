"""First step of the gate: measure each recording by itself, one table row for each."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyops.data.datasets.split import find_group, group_facts
from tinyops.data.quality.columns import COLUMNS
from tinyops.data.quality.comparison.clock import stated_seconds
from tinyops.data.quality.personal_fields import personal_field
from tinyops.data.quality.project_expectations import own_columns
from tinyops.data.quality.signal_checks.statistics import signal_statistics
from tinyops.data.recordings.parquet import BadRow
from tinyops.data.recordings.recording import Recording
from tinyops.projects import Project

if TYPE_CHECKING:
    import pandas as pd


def summarise(rows: Iterable[Recording | BadRow], project: Project) -> pd.DataFrame:
    """The gate's table of rows; see `gate_table`."""
    own = own_columns(project)
    return gate_table(measure(rows, project), own.names if own else ())


def measure(rows: Iterable[Recording | BadRow], project: Project) -> Iterator[dict[str, Any]]:
    """What the gate looks at of each row, by itself: JSON values under the names in COLUMNS, and
    under those of the project's own columns.

    What a row does not have is left out, and so is what only a whole batch tells.

    Raises
    ------
    ExpectationsError
        The project's own columns cannot be computed.
    """
    own = own_columns(project)
    now = datetime.now(UTC)
    for row in rows:
        if isinstance(row, BadRow):
            yield {
                "recording_id": row.recording_id or None,
                "machine_id": row.machine_id or None,
                "problem": row.reason,
            }
        else:
            entry = _entry(row, project, now) | (own.of(row) if own else {})
            yield {name: value for name, value in entry.items() if not _absent(value)}


def gate_table(entries: Iterable[Mapping[str, Any]], own: Sequence[str] = ()) -> pd.DataFrame:
    """The gate's table of a whole batch, columns as in COLUMNS; what is left out is null.

    Parameters
    ----------
    entries
        What `measure` says of the batch's rows, in their order.
    own
        Names of the project's own columns; they come after COLUMNS.
    """
    import pandas as pd

    table = [{"row": index, **entry} for index, entry in enumerate(entries)]
    return pd.DataFrame(table, columns=[*COLUMNS, *own])


def _absent(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _entry(recording: Recording, project: Project, now: datetime) -> dict[str, Any]:
    conditions = recording.conditions
    with np.errstate(over="ignore", invalid="ignore"):  # the gate names what is no number
        found = signal_statistics(recording, project)
    return {
        "recording_id": recording.recording_id,
        "machine_id": recording.machine_id,
        "device_id": recording.device_id,
        "sensor": recording.sensor,
        "recorded_at": recording.recorded_at.isoformat(),
        "age_days": (now - recording.recorded_at).total_seconds() / 86400,
        "label": recording.label,
        "group": find_group(project.split, *group_facts(recording)),
        "conditions": json.dumps(conditions, sort_keys=True),
        "personal": personal_field(conditions, project.privacy.personal_fields),
        "rate_hz": recording.rate_hz,
        "channels": ",".join(recording.channels),
        "unit": recording.unit,
        "samples": recording.samples,
        "seconds": recording.seconds,
        "clock_rate": _clock_rate(recording),
        "jitter": _number(conditions, "jitter"),
        "windows": recording.samples / project.signal.window,
    } | found


def _clock_rate(recording: Recording) -> float:
    lasted = stated_seconds(recording.conditions)
    return recording.seconds / lasted if lasted and recording.seconds else float("nan")


def _number(conditions: Mapping[str, str], name: str) -> float:
    try:
        return float(conditions[name])
    except (KeyError, ValueError):
        return float("nan")
