"""Columns of the gate's table that need more than one recording: the batch and the dataset."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyops.data.datasets.index import IndexRow
from tinyops.data.datasets.split import part_of
from tinyops.data.quality.comparison.channels import dead_channels, swapped_channels
from tinyops.data.quality.comparison.clock import Capture, clock_ratios, overlaps
from tinyops.data.quality.comparison.echoes import near_duplicates
from tinyops.data.quality.comparison.line_rate import rate_factors
from tinyops.data.quality.comparison.reference import Floats
from tinyops.data.quality.comparison.seen import energy_factors
from tinyops.data.quality.comparison.unit_slip import unit_slips
from tinyops.data.quality.signal_checks.levels import unit_groups, unit_levels
from tinyops.projects import Project
from tinyops.projects.split_section import Split

if TYPE_CHECKING:
    import pandas as pd

# Column -> its meaning.
COMPARED = {
    "duplicate_of": "recording with the same samples or the same id",
    "near_duplicate_of": "recording that is the same capture",
    "new_machine": "machine that the dataset does not know",
    "overlap_s": "seconds by which the device's next recording starts too early",
    "rate_by_lines": "rate at which known lines would fit, if another",
    "unit_slip": "factor between units that the level is off by",
    "energy": "times the level is beyond what was ever seen",
    "dead_channel": "channel that does not move as it used to",
    "swapped": "order in which the channels would fit their device",
    "level": "mean log10 of the rms, over units",
    "class_in_part": "<part>: <class>",
}


def compare(table: pd.DataFrame, project: Project, known: Sequence[IndexRow] = ()) -> pd.DataFrame:
    """The table with COMPARED columns; `known` is the index of the version before."""
    rows = _Rows.of(table, project, known)
    first, limits = len(known), project.gate.limits
    names, groups = project.signal.channels, unit_groups(project.signal)
    devices = [f"{m}/{d}" for m, d in zip(rows.machines, rows.devices, strict=True)]
    captures = [
        Capture(device, start, seconds)
        for device, start, seconds in zip(devices, rows.starts, rows.seconds, strict=True)
    ]
    ratios = clock_ratios(captures)[first:]
    machines = {row.machine_id for row in known}
    found: dict[str, Any] = {
        "duplicate_of": _duplicates(table, known),
        "near_duplicate_of": near_duplicates(rows.echoes, rows.names, first),
        "new_machine": [
            machine if known and machine not in machines else None
            for machine in rows.machines[first:]
        ],
        "overlap_s": overlaps(captures)[first:],
        "rate_by_lines": _by_lines(table, rows.labels[first:], limits.lines),
        "unit_slip": [
            _times(factor)
            for factor in unit_slips(rows.levels, rows.machines, rows.labels, limits.slips, first)
        ],
        "energy": energy_factors(rows.levels, rows.machines, rows.labels, first),
        "dead_channel": dead_channels(
            rows.deviations, rows.machines, rows.labels, names, groups, limits.dead, first
        ),
        "swapped": swapped_channels(rows.means, rows.deviations, devices, names, groups, first),
        "level": rows.levels[first:].mean(axis=1),
        "class_in_part": [
            class_in_part(project.split, group, label)
            for group, label in zip(table["group"], rows.labels[first:], strict=True)
        ],
    }
    broken = table["problem"].notna().to_numpy()
    added = table.assign(**{name: found[name] for name in COMPARED})
    added["clock_rate"] = np.where(table["clock_rate"].notna(), table["clock_rate"], ratios)
    added.loc[broken, list(COMPARED)] = None
    return added


@dataclass(frozen=True)
class _Rows:
    """Known recordings, then the batch's: what is compared of each."""

    names: list[str]
    machines: list[str]
    devices: list[str]
    labels: list[str]
    starts: list[datetime]
    seconds: list[float]
    echoes: list[str]
    means: Floats
    deviations: Floats
    levels: Floats

    @classmethod
    def of(cls, table: pd.DataFrame, project: Project, known: Sequence[IndexRow]) -> _Rows:
        new = table.to_dict("list")
        count, groups = len(project.signal.channels), unit_groups(project.signal)
        means = _values([row.means for row in known] + new["means"], count)
        deviations = _values([row.deviations for row in known] + new["deviations"], count)
        levels = np.array(
            [unit_levels(m, d, groups) for m, d in zip(means, deviations, strict=True)]
        ).reshape(-1, len(groups))
        with np.errstate(divide="ignore"):
            logs = np.log10(levels)
        starts = [row.recorded_at for row in known] + new["recorded_at"]
        return cls(
            names=[row.recording_id for row in known] + _texts(new["recording_id"]),
            machines=[row.machine_id for row in known] + _texts(new["machine_id"]),
            devices=[row.device_id for row in known] + _texts(new["device_id"]),
            labels=[row.label for row in known] + _texts(new["label"]),
            starts=[datetime.fromisoformat(at if isinstance(at, str) else _NEVER) for at in starts],
            seconds=[row.seconds for row in known]
            + [float(value) if value == value else 0.0 for value in new["seconds"]],
            echoes=[row.echo for row in known] + _texts(new["echo"]),
            means=means,
            deviations=deviations,
            levels=np.where(np.isfinite(logs), logs, np.nan),
        )


def class_in_part(split: Split, group: object, label: str) -> str | None:
    """ "<part>: <class>" of a recording; None for one without a group of the split."""
    return f"{part_of(group, split)}: {label}" if isinstance(group, str) else None


_NEVER = "1970-01-01T00:00:00+00:00"


def _values(lists: Sequence[Any], count: int) -> Floats:
    """[recordings, count]; nan throughout where there are no numbers, or not so many."""
    blank = [float("nan")] * count
    return np.array(
        [one if isinstance(one, list | tuple) and len(one) == count else blank for one in lists],
        np.float64,
    ).reshape(-1, count)


def _texts(values: Sequence[Any]) -> list[str]:
    return [value if isinstance(value, str) else "" for value in values]


def _duplicates(table: pd.DataFrame, known: Sequence[IndexRow]) -> list[str | None]:
    fingerprints = {row.fingerprint: row.recording_id for row in known}
    ids = set(fingerprints.values()) | {row.recording_id for row in known}
    found: list[str | None] = []
    for name, mark in zip(table["recording_id"], table["fingerprint"], strict=True):
        if not isinstance(mark, str):
            found.append(None)
            continue
        twin = fingerprints.setdefault(mark, name)
        found.append(name if name in ids else twin if twin != name else None)
        ids.add(name)
    return found


def _by_lines(table: pd.DataFrame, labels: list[str], limit: float) -> list[str | None]:
    scores = [json.loads(one) if isinstance(one, str) else [] for one in table["line_scores"]]
    return [
        None if factor is None else f"{factor * rate:g} Hz"
        for factor, rate in zip(rate_factors(scores, labels, limit), table["rate_hz"], strict=True)
    ]


def _times(factor: float | None) -> str | None:
    if factor is None:
        return None
    return f"{factor:g} times too high" if factor > 1 else f"{1 / factor:g} times too low"
