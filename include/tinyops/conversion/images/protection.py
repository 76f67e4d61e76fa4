"""Regions of the memory protection unit that allow a range of addresses and nothing beside it.

Source: Arm DDI 0403E (ARMv7-M), B3.5: a region is a power of two of bytes and lies on a multiple of
it; from 256 bytes on each eighth of it can be left out.
"""

from __future__ import annotations

from dataclasses import dataclass

EIGHTHS = 8
_SMALLEST, _LARGEST = 8, 31


@dataclass(frozen=True)
class Region:
    """One region with the eighths of it that count.

    Parameters
    ----------
    base
        Its address.
    log2
        Of its size in bytes.
    first, last
        Eighths `first` to `last` - 1 are allowed.
    """

    base: int
    log2: int
    first: int
    last: int

    @property
    def start(self) -> int:
        """Address of the first byte that is allowed."""
        return self.base + self.first * (1 << self.log2) // EIGHTHS

    @property
    def end(self) -> int:
        """Address behind the last one."""
        return self.base + self.last * (1 << self.log2) // EIGHTHS

    @property
    def extent(self) -> int:
        """Bits of MPU_RASR: the size, and the eighths that are left out."""
        left_out = sum(1 << part for part in range(EIGHTHS) if not self.first <= part < self.last)
        return left_out << 8 | (self.log2 - 1) << 1


def cover(start: int, end: int, most: int) -> list[Region]:
    """Return at most `most` regions that together allow [start, end).

    They allow no byte beside it where so many suffice, as for all boards that were seen; else both
    borders are moved outwards, to multiples of 512 bytes, 1 kB and so on, until they do.
    """
    step = 1 << (_SMALLEST - 3)
    while True:
        found = _exact(start // step * step, -(-end // step) * step)
        if len(found) <= most:
            return found
        step *= 2


def _exact(start: int, end: int) -> list[Region]:
    """The largest piece that one region allows, and likewise what is before and behind it."""
    if start >= end:
        return []
    pieces = [piece for log2 in range(_SMALLEST, _LARGEST + 1) for piece in _of(log2, start, end)]
    largest = max(pieces, key=lambda piece: piece.end - piece.start)
    return [*_exact(start, largest.start), largest, *_exact(largest.end, end)]


def _of(log2: int, start: int, end: int) -> list[Region]:
    """Pieces of [start, end) that regions of this size allow: in its first, second and last region,
    which stand for all."""
    size = 1 << log2
    part = size // EIGHTHS
    first, last = start // size * size, (end - 1) // size * size
    found = []
    for base in sorted({first, first + size, last}):
        low = -(-max(start - base, 0) // part)
        high = min(end - base, size) // part
        if low < high <= EIGHTHS:
            found.append(Region(base, log2, low, high))
    return found
