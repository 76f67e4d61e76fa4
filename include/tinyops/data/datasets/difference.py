"""What one dataset version has that another has not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tinyops.data.datasets.dataset import Dataset


@dataclass(frozen=True)
class Relabelled:
    """A recording of both versions under another label."""

    recording_id: str
    before: str
    after: str


@dataclass(frozen=True)
class Moved:
    """A recording or group of both versions in another part."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Difference:
    """From version `before` to `after`.

    Parameters
    ----------
    added, removed
        Recording ids, in the order of arrival.
    by_label, by_machine, by_part
        Name -> (recordings before, after), of those that changed.
    groups_added, groups_removed
        Group -> part.
    groups_moved, recordings_moved
        In both, in another part; none while the split stays as it is.
    split
        Setting -> (before, after), of those that changed.
    batches_added, batches_removed
        Names of batches.
    """

    before: str
    after: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    relabelled: tuple[Relabelled, ...]
    by_label: dict[str, tuple[int, int]]
    by_machine: dict[str, tuple[int, int]]
    by_part: dict[str, tuple[int, int]]
    groups_added: dict[str, str]
    groups_removed: dict[str, str]
    groups_moved: tuple[Moved, ...]
    recordings_moved: tuple[Moved, ...]
    split: dict[str, tuple[Any, Any]]
    batches_added: tuple[str, ...]
    batches_removed: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON content."""
        return asdict(self)


def difference(before: Dataset, after: Dataset) -> Difference:
    """Compare two versions by manifest and index; no samples are read."""
    old = {row.recording_id: row for row in before.index()}
    new = {row.recording_id: row for row in after.index()}
    both = [name for name in new if name in old]
    parts = {name: (before.part_of(old[name]), after.part_of(new[name])) for name in both}
    groups = (before.manifest["split"]["groups"], after.manifest["split"]["groups"])
    counts = (before.manifest["counts"], after.manifest["counts"])
    batches = tuple([one["batch"] for one in each.manifest["batches"]] for each in (before, after))
    return Difference(
        before=before.version,
        after=after.version,
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        relabelled=tuple(
            Relabelled(name, old[name].label, new[name].label)
            for name in both
            if old[name].label != new[name].label
        ),
        by_label=_changed(counts[0]["by_label"], counts[1]["by_label"], 0),
        by_machine=_changed(counts[0]["by_machine"], counts[1]["by_machine"], 0),
        by_part=_changed(counts[0]["by_part"], counts[1]["by_part"], 0),
        groups_added={name: part for name, part in groups[1].items() if name not in groups[0]},
        groups_removed={name: part for name, part in groups[0].items() if name not in groups[1]},
        groups_moved=tuple(
            Moved(name, groups[0][name], part)
            for name, part in groups[1].items()
            if groups[0].get(name, part) != part
        ),
        recordings_moved=tuple(
            Moved(name, was, now) for name, (was, now) in parts.items() if was != now
        ),
        split=_changed(before.manifest["split"]["config"], after.manifest["split"]["config"], None),
        batches_added=tuple(name for name in batches[1] if name not in batches[0]),
        batches_removed=tuple(name for name in batches[0] if name not in batches[1]),
    )


def _changed(
    before: Mapping[str, Any], after: Mapping[str, Any], absent: Any
) -> dict[str, tuple[Any, Any]]:
    names = sorted({*before, *after})
    pairs = {name: (before.get(name, absent), after.get(name, absent)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
