"""Layered drawing of a graph without circles: floors, order and positions of boxes, routed lines.

After Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system
structures" (1981): a line that passes a floor has a place of its own on it, so it crosses no box.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Point = tuple[float, float]
_SWEEPS = 24


@dataclass(frozen=True)
class Plan:
    """Positions in pixels. `boxes` are centres, `lines` bend at the floors that they pass."""

    floors: tuple[tuple[str, ...], ...]
    boxes: Mapping[str, Point]
    lines: tuple[tuple[Point, ...], ...]
    width: float


def reduction(uses: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Arrows that follow from no others: the transitive reduction."""

    def reached(name: str) -> set[str]:
        return set().union(*({other} | reached(other) for other in uses[name]))

    return {
        name: {one for one in others if not any(one in reached(two) for two in others - {one})}
        for name, others in uses.items()
    }


def floors_of(uses: Mapping[str, set[str]]) -> dict[str, int]:
    """Floor of each room: 0 without arrows, otherwise one above the highest that it uses."""

    def floor(name: str) -> int:
        return max((floor(other) + 1 for other in uses[name]), default=0)

    return {name: floor(name) for name in uses}


def plan(uses: Mapping[str, set[str]], box: Point, gap: Point, lane: float) -> Plan:
    """Lay out rooms, the lowest floor last.

    Parameters
    ----------
    box, gap
        Width and height of a box, and of the space between two.
    lane
        Width that a line takes where it passes a floor.
    """
    level = floors_of(uses)
    rows: list[list[str]] = [[] for _ in range(max(level.values()) + 1)]
    for name in sorted(uses):
        rows[level[name]].append(name)
    links: list[tuple[str, str]] = []
    chains: list[list[str]] = []
    for name, others in sorted(reduction(uses).items()):
        for other in sorted(others):
            passed = range(level[name] - 1, level[other], -1)
            chain = [name, *(f"{name} > {other} @ {floor}" for floor in passed), other]
            for floor, place in zip(passed, chain[1:-1], strict=True):
                rows[floor].append(place)
            chains.append(chain)
            links += pairwise(chain)
    near: dict[str, list[str]] = {name: [] for row in rows for name in row}
    for one, other in links:
        near[one].append(other)
        near[other].append(one)
    widths = {name: box[0] if name in uses else lane for name in near}
    # Rounded: sums of fractions would have boxes that stand side by side overlap by 1e-14.
    at = {name: round(x, 3) for name, x in _positions(rows, near, widths, gap[0]).items()}
    left = min(at[name] - widths[name] / 2 for name in at)
    height = {
        name: (len(rows) - 1 - n) * (box[1] + gap[1]) for n, row in enumerate(rows) for name in row
    }
    where = {name: (at[name] - left, height[name] + box[1] / 2) for name in at}
    lines = tuple(_line([where[name] for name in chain], box[1]) for chain in chains)
    return Plan(
        floors=tuple(tuple(name for name in row if name in uses) for row in rows),
        boxes={name: where[name] for name in uses},
        lines=lines,
        width=max(x + widths[name] / 2 for name, (x, _) in where.items()),
    )


def _positions(
    rows: Sequence[list[str]],
    near: Mapping[str, list[str]],
    widths: Mapping[str, float],
    gap: float,
) -> dict[str, float]:
    """Horizontal centres: rows ordered by their neighbours' means, then moved towards them."""
    at = {name: float(n) for row in rows for n, name in enumerate(row)}
    _spread(rows, at, widths, gap)
    for sweep in range(_SWEEPS):
        order = rows if sweep % 2 else rows[::-1]
        for row in order:
            wanted = {name: _mean([at[other] for other in near[name]], at[name]) for name in row}
            row.sort(key=lambda name: (wanted[name], name))
            _place(row, wanted, at, widths, gap)
    return at


def _spread(
    rows: Sequence[list[str]], at: dict[str, float], widths: Mapping[str, float], gap: float
) -> None:
    for row in rows:
        _place(row, {name: 0.0 for name in row}, at, widths, gap)


def _place(
    row: Sequence[str],
    wanted: Mapping[str, float],
    at: dict[str, float],
    widths: Mapping[str, float],
    gap: float,
) -> None:
    """Put a row as near as possible to where its members want to be, none over another.

    Blocks that touch move together (pool adjacent violators): least squares under the order.
    """
    offsets, edge = [], 0.0
    for one, name in enumerate(row):
        edge += (widths[row[one - 1]] + widths[name]) / 2 + gap if one else 0.0
        offsets.append(edge)
    blocks: list[tuple[float, int]] = []
    for name, offset in zip(row, offsets, strict=True):
        blocks.append((wanted[name] - offset, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, n), (b, m) = blocks.pop(-2), blocks.pop()
            blocks.append(((a * n + b * m) / (n + m), n + m))
    shifts = [shift for shift, count in blocks for _ in range(count)]
    for name, offset, shift in zip(row, offsets, shifts, strict=True):
        at[name] = offset + shift


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _line(centres: Sequence[Point], height: float) -> tuple[Point, ...]:
    """From the lower edge of the first box to the upper edge of the last, upright on the way."""
    (x, y), (end, last) = centres[0], centres[-1]
    points = [(x, y + height / 2)]
    for lane, middle in centres[1:-1]:
        points += [(lane, middle - height / 2), (lane, middle + height / 2)]
    return (*points, (end, last - height / 2))
