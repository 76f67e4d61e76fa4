"""Regions of the memory protection unit: whatever is asked for, and nothing beside it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tinyops.conversion.images.protection import Region, cover

PAGES = st.integers(1, 1023)


def allowed(regions: list[Region]) -> list[tuple[int, int]]:
    """The ranges that they allow, sorted and merged where they touch."""
    found: list[tuple[int, int]] = []
    for start, end in sorted((region.start, region.end) for region in regions):
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def test_the_boards_of_the_catalogue_are_covered_exactly() -> None:
    for start, end in ((0x10000, 0x100000), (0x27000, 0xED000), (0x8000, 0x100000)):
        found = cover(start, end, 5)
        assert len(found) <= 5
        assert allowed(found) == [(start, end)]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(PAGES, PAGES)
def test_any_pages_are_covered_and_exactly_where_regions_suffice(first: int, pages: int) -> None:
    start, end = first * 4096, (first + pages) * 4096
    for most in (99, 5, 1):
        found = cover(start, end, most)
        [(low, high)] = allowed(found)
        assert len(found) <= most
        assert low <= start < end <= high
        if most == 99:
            assert (low, high) == (start, end)
        for region in found:
            assert region.base % (1 << region.log2) == 0
            assert region.log2 >= 8


def test_an_extent_is_the_register_field() -> None:
    # Size 2 ** (field + 1) in bits 1 to 5, eighths that are left out in bits 8 to 15.
    assert Region(0, 20, 1, 8).extent == 0b00000001 << 8 | 19 << 1
    assert Region(0, 15, 0, 3).extent == 0b11111000 << 8 | 14 << 1
