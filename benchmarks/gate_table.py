"""The table of docs/data.md: what the quality gate finds in which set."""

from __future__ import annotations

from typing import Any


def gate_table(sets: dict[str, dict[str, Any]]) -> list[str]:
    """A row for each fault, a column for each set."""
    faults: list[str] = []
    for found in sets.values():
        faults += [name for name, value in found.items() if _is_fault(value)]
    rows = [f"| | {' | '.join(sets)} |", "|---|" + "---:|" * len(sets)]
    rows.append(_row("recordings", [str(one["recordings"]) for one in sets.values()]))
    good = [f"{one['refused'] / one['recordings']:.1%}" for one in sets.values()]
    rows.append(_row("*good refused*", good))
    for fault in dict.fromkeys(faults):
        cells = [
            f"{one[fault]['found']:.0%}" if _is_fault(one.get(fault)) else ""
            for one in sets.values()
        ]
        rows.append(_row(fault, cells))
    pairs = [one["near_duplicates"] for one in sets.values()]
    rows.append(_row("pairs of captures", [str(one["pairs"]) for one in pairs]))
    fewest = [f"{one['fewest_bits_different']:g}" if one["pairs"] else "" for one in pairs]
    rows.append(_row("fewest bits that differ", fewest))
    return rows


def _is_fault(value: Any) -> bool:
    return isinstance(value, dict) and "found" in value


def _row(name: str, cells: list[str]) -> str:
    return f"| {name} | {' | '.join(cells)} |"
