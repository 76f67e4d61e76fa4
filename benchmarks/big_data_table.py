"""The table of docs/data.md about large batches: seconds and memory by the size of the data."""

from __future__ import annotations

from typing import Any

from benchmarks.page_tables import row, table

_ROWS = {
    "measuring, one worker": ("measure, 1 worker, s", "measuring, 1 worker"),
    "measuring, two workers": ("measure, 2 workers, s", "measuring, 2 workers"),
    "joining: gate, version, Data Docs": ("join, s", "joining"),
    "training: features, 2 epochs and all that follows": ("", "training"),
}
_TRAINING = ("features, s", "training of 2 epochs and all that follows, s")


def blocks(result: dict[str, Any]) -> dict[str, list[str]]:
    """A row for each step, two columns for each size."""
    sizes = result["figures"]["figures_by_size"]
    rows = table("", *(f"{size}, {what}" for size in sizes for what in ("s", "peak MB")))
    for title, (seconds, peak) in _ROWS.items():
        cells = []
        for one in sizes.values():
            spent = one[seconds] if seconds else sum(one[each] for each in _TRAINING)
            cells += [f"{spent:.0f}", f"{one[f'peak PSS of {peak}, MB']:.0f}"]
        rows.append(row(title, *cells))
    rows.append(row("windows", *(c for one in sizes.values() for c in (f"{one['windows']}", ""))))
    return {"big_data": rows}
