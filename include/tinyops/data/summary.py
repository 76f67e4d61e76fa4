"""One table row per recording: what the quality gate looks at."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tinyops.data.parquet import BadRow
from tinyops.data.recording import Recording
from tinyops.data.split import find_group, group_facts
from tinyops.projects import Project

if TYPE_CHECKING:
    import pandas as pd

# Column -> its meaning. Shares are of the project's full scale, of the channel that is worst.
COLUMNS = {
    "row": "row in the file",
    "problem": "why the row is no recording",
    "recording_id": "",
    "machine_id": "",
    "device_id": "",
    "sensor": "",
    "recorded_at": "ISO 8601, UTC",
    "age_days": "days from recorded_at to now",
    "label": "",
    "group": "the split's group",
    "conditions": "JSON",
    "rate_hz": "samples per second and channel",
    "channels": "names, in order",
    "unit": "",
    "samples": "per channel",
    "seconds": "",
    "windows": "samples / window",
    "finite_share": "samples that are numbers",
    "minimum": "physical units",
    "maximum": "physical units",
    "dc_share": "|mean| / full scale",
    "rms_share": "rms / full scale",
    "clipped_share": "samples at or beyond full scale",
    "flat_windows": "longest constant run / window",
    "fingerprint": "SHA-256 of the samples",
    "duplicate_of": "recording with the same samples or the same id",
}


def summarise(
    rows: Iterable[Recording | BadRow], project: Project, known: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """The gate's table of rows; see `gate_table`."""
    return gate_table(measure(rows, project), known)


def measure(rows: Iterable[Recording | BadRow], project: Project) -> Iterator[dict[str, Any]]:
    """What the gate looks at of each row, by itself: JSON values under the names in COLUMNS.

    What a bad row does not have is left out, and so is what only a whole batch tells: `row` and
    `duplicate_of`.
    """
    now = datetime.now(UTC)
    for row in rows:
        if isinstance(row, BadRow):
            yield {
                "recording_id": row.recording_id or None,
                "machine_id": row.machine_id or None,
                "problem": row.reason,
            }
        else:
            yield _entry(row, project, now)


def gate_table(
    entries: Iterable[Mapping[str, Any]], known: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """The gate's table of a whole batch, columns as in COLUMNS; what is left out is null.

    Parameters
    ----------
    entries
        What `measure` says of the batch's rows, in their order.
    known
        Fingerprint -> recording id of what the dataset holds already.
    """
    import pandas as pd

    fingerprints = dict(known or {})
    ids = set(fingerprints.values())
    table = []
    for index, entry in enumerate(entries):
        row = {"row": index, **entry}
        if "fingerprint" in entry:
            name = entry["recording_id"]
            twin = fingerprints.setdefault(entry["fingerprint"], name)
            row["duplicate_of"] = twin if twin != name or twin in ids else None
            if name in ids:
                row["duplicate_of"] = name
            ids.add(name)
        table.append(row)
    return pd.DataFrame(table, columns=list(COLUMNS))


def longest_run(samples: npt.NDArray[np.float32]) -> int:
    """Length of the longest stretch of equal values in a one-dimensional signal."""
    if samples.size == 0:
        return 0
    changes = np.flatnonzero(samples[1:] != samples[:-1])
    edges = np.concatenate([[-1], changes, [samples.size - 1]])
    return int(np.diff(edges).max())


def _entry(recording: Recording, project: Project, now: datetime) -> dict[str, Any]:
    signal = recording.signal
    finite = np.isfinite(signal)
    whole = bool(finite.all())
    low, high = (signal.min(), signal.max()) if whole and signal.size else (math.nan, math.nan)
    return {
        "recording_id": recording.recording_id,
        "machine_id": recording.machine_id,
        "device_id": recording.device_id,
        "sensor": recording.sensor,
        "recorded_at": recording.recorded_at.isoformat(),
        "age_days": (now - recording.recorded_at).total_seconds() / 86400,
        "label": recording.label,
        "group": find_group(project.split, *group_facts(recording)),
        "conditions": json.dumps(recording.conditions, sort_keys=True),
        "rate_hz": recording.rate_hz,
        "channels": ",".join(recording.channels),
        "unit": recording.unit,
        "samples": recording.samples,
        "seconds": recording.seconds,
        "windows": recording.samples / project.signal.window,
        "finite_share": float(finite.mean()) if signal.size else 0.0,
        "minimum": float(low),
        "maximum": float(high),
        "flat_windows": max(longest_run(channel) for channel in signal) / project.signal.window,
        "fingerprint": recording.fingerprint(),
    } | (_levels(signal, project) if whole and signal.size else {})


def _levels(signal: npt.NDArray[np.float32], project: Project) -> dict[str, float]:
    # Channels that are not the project's have no full scale: the check of names speaks for them.
    if signal.shape[0] != len(project.signal.full_scale):
        return {}
    scale = np.array(project.signal.full_scale)
    power = np.einsum("cn,cn->c", signal, signal, dtype=np.float64) / signal.shape[1]
    beyond = (np.abs(signal) >= scale[:, None].astype(np.float32)).mean(axis=1)
    return {
        "dc_share": float((np.abs(signal.mean(axis=1, dtype=np.float64)) / scale).max()),
        "rms_share": float((np.sqrt(power) / scale).max()),
        "clipped_share": float(beyond.max()),
    }
