"""Seconds of tests by folder and file, printed after a run of more than a minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

SHOWN = 25


def module_times(durations: Iterable[tuple[str, float]]) -> list[str]:
    """Lines of a table: the folders, and the files that take most.

    Parameters
    ----------
    durations
        (path of the test's file below the checkout, seconds of set-up, call or teardown).
    """
    folders: Counter[str] = Counter()
    files: Counter[str] = Counter()
    for path, seconds in durations:
        folders[str(PurePosixPath(path).parent)] += seconds
        files[path] += seconds
    return [*_rows("folder", folders), "", *_rows("file", files)]


def _rows(title: str, seconds: Counter[str]) -> Iterator[str]:
    whole = sum(seconds.values())
    yield f"{'s':>7} {'%':>5}  {title}"
    for name, spent in seconds.most_common(SHOWN):
        yield f"{spent:7.1f} {100 * spent / whole:5.1f}  {name}"
    if rest := seconds.most_common()[SHOWN:]:
        left = sum(spent for _, spent in rest)
        yield f"{left:7.1f} {100 * left / whole:5.1f}  {len(rest)} more"
