"""The tables of docs/data.md: what the quality gate finds in which set, and what it costs."""

from __future__ import annotations

from typing import Any

from benchmarks.page_tables import row, table


def blocks(result: dict[str, Any]) -> dict[str, list[str]]:
    """A row for each fault, a column for each set; and megabytes of samples a second."""
    figures = result["figures"]
    speed = figures["speed"]
    costs = [
        *table("of one process, processor time", "MB of samples a second"),
        row("reading recordings", f"{speed['read_mb_per_s']:.0f}"),
        row("reading, fingerprints and statistics", f"{speed['gate_mb_per_s']:.0f}"),
    ]
    return {
        "gate": _found(figures["sets"]),
        "gate_held_out": _held_out(figures["held_out"]),
        "gate_speed": costs,
    }


def _held_out(sets: dict[str, dict[str, Any]]) -> list[str]:
    rows = table("", "recordings", "good refused", "by", "fewest bits that differ")
    for name, one in sets.items():
        by = ", ".join(f"{why} {count}" for why, count in one["why"].items())
        pairs = one["near_duplicates"]
        rows.append(
            row(
                name,
                str(one["recordings"]),
                f"{one['refused'] / one['recordings']:.1%}",
                by or "-",
                f"{pairs['fewest_bits_different']:g}" if pairs["pairs"] else "-",
            )
        )
    return rows


def _found(sets: dict[str, dict[str, Any]]) -> list[str]:
    every = list(sets.values())
    faults = dict.fromkeys(name for one in every for name in one if _is_fault(one[name]))
    pairs = [one["near_duplicates"] for one in every]
    return [
        *table("", *sets),
        row("recordings", *(str(one["recordings"]) for one in every)),
        row("*good refused*", *(f"{one['refused'] / one['recordings']:.1%}" for one in every)),
        *(
            row(
                fault,
                *(
                    f"{one[fault]['found']:.0%}" if _is_fault(one.get(fault)) else ""
                    for one in every
                ),
            )
            for fault in faults
        ),
        row("pairs of different captures", *(str(one["pairs"]) for one in pairs)),
        row(
            "fewest bits that differ",
            *(f"{one['fewest_bits_different']:g}" if one["pairs"] else "" for one in pairs),
        ),
    ]


def _is_fault(value: Any) -> bool:
    return isinstance(value, dict) and "found" in value
