"""How many recordings a dataset version has of what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tinyops.data.datasets.index import IndexRow
from tinyops.data.datasets.split import Part, group_of, labels_by_part
from tinyops.projects.schema import Split


def counts(
    rows: Sequence[IndexRow], split: Split, parts: Mapping[str, Part]
) -> dict[str, dict[str, Any]]:
    """Recordings by label, machine, part, part and label; seconds by part."""
    placed = [parts[group_of(split, row)] for row in rows]
    by_part = labels_by_part(rows, placed)
    seconds: dict[str, float] = {}
    for row, part in zip(rows, placed, strict=True):
        seconds[part] = seconds.get(part, 0.0) + row.seconds
    return {
        "by_label": dict(sorted(Counter(row.label for row in rows).items())),
        "by_machine": dict(sorted(Counter(row.machine_id for row in rows).items())),
        "by_part": dict(sorted(Counter(placed).items())),
        "by_part_and_label": {part: dict(sorted(c.items())) for part, c in sorted(by_part.items())},
        "seconds_by_part": {part: round(value, 3) for part, value in sorted(seconds.items())},
    }
