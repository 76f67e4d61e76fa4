"""The source `seglearn_watch`: real shoulder exercises recorded by a watch, from seglearn.

140 series of ten people, seven exercises and both arms at 50 Hz: three axes of acceleration (g) and
of rotation (rad/s). Burns et al. 2018, "Shoulder physiotherapy exercise recognition",
arXiv 1802.01489; distributed with seglearn 1.2.5 (BSD-3-Clause).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import Literal

import numpy as np

from tinyops.data.recordings.recording import Recording
from tinyops.errors import TinyOpsError
from tinyops.projects import Project

# The file is a pickle, so what it does is known only for this content (seglearn 1.2.5).
_SHA256 = "eb122f23cdf06ef6bd6c6c5312958ec5cf9d038e2e6d457b8081662c75a42537"
# The data set keeps no times: recordings are set out one after the other from this day.
_FIRST_DAY = datetime(2018, 1, 1, tzinfo=UTC)
_FIRST_BATCH = {"small": 6, "full": 10}
_IN_A_ROW = 6
"""How often a replay plays each half before the next one. Windows slide over the seam: with one
turn a quarter of exercise_watch's windows would hold two exercises, which recordings never do."""
_CHANNELS = ("ax", "ay", "az", "wx", "wy", "wz")


class WatchDataError(TinyOpsError):
    """The watch data is missing, is another file than expected, or has been handed out."""


@dataclass(frozen=True)
class WatchSource:
    """Recordings of people; those in the option `held_out` are in no batch.

    The world changes when they take over the watch. A virtual sensor plays second halves only: of
    the people of the first batch, later of the held-out. The former are also in that batch, so the
    replay before the change is of known people and known recordings. The first halves of the
    held-out people's series are what a technician brings from the changed world.
    """

    project: Project

    @property
    def held_out(self) -> list[int]:
        """Numbers of the people kept for the changed world; option `held_out: "9,10"`."""
        named = str(self.project.source.options.get("held_out", ""))
        return sorted(int(number) for number in named.split(",") if number.strip())

    def recordings(self, seed: int, size: str = "small", batch: int = 0) -> Iterator[Recording]:
        """One batch: the first people in batch 0 (six when small), then one person a batch.

        Real data: the seed has no say.

        Raises
        ------
        WatchDataError
            Everybody is in an earlier batch.
        """
        people = self._known()
        first = min(_FIRST_BATCH[size], len(people))
        chosen = people[:first] if batch == 0 else people[first + batch - 1 : first + batch]
        if not chosen:
            raise WatchDataError(
                f"{self.project.name}: no batch {batch}: there are no more people",
                "use recordings of your own",
            )
        return (self._recording(item) for item in _series() if item.person in chosen)

    def replay(self, seed: int, changed: bool = False) -> Iterator[Recording]:
        """An endless stream of second halves of series in seeded order, each some times in a row.

        Raises
        ------
        WatchDataError
            The world shall have changed, and nobody is held out.
        """
        people = self.held_out if changed else self._known()[: _FIRST_BATCH["small"]]
        halves = self._halves(people, "second")
        return _endless(halves, np.random.default_rng(seed))

    def changed_recordings(self, seed: int, size: str = "small") -> Iterator[Recording]:
        """The first halves of all series of the held-out people. Seed and size have no say.

        Raises
        ------
        WatchDataError
            Nobody is held out.
        """
        return iter(self._halves(self.held_out, "first"))

    def _known(self) -> list[int]:
        return sorted({item.person for item in _series()} - set(self.held_out))

    def _halves(self, people: list[int], half: Literal["first", "second"]) -> list[Recording]:
        found = [_half(self._recording(item), half) for item in _series() if item.person in people]
        if not found:
            raise WatchDataError(
                f"{self.project.name}: source.options.held_out names nobody",
                'set it, for instance to "9,10"',
            )
        return found

    def _recording(self, item: _Series) -> Recording:
        return Recording(
            recording_id=f"watch_{item.number:03d}",
            machine_id=f"person_{item.person:02d}",
            device_id=f"watch_{item.person:02d}",
            sensor=self.project.sensor,
            recorded_at=_FIRST_DAY + timedelta(minutes=10 * item.number),
            rate_hz=50.0,
            channels=_CHANNELS,
            unit="g,g,g,rad/s,rad/s,rad/s",
            signal=item.signal,
            label=item.label,
            conditions={
                "side": item.side,
                "simulated": "false",
                "recorded_at": "not known; numbered in order",
            },
        )


def _half(whole: Recording, half: Literal["first", "second"]) -> Recording:
    middle = whole.signal.shape[1] // 2
    first = half == "first"
    return replace(
        whole,
        recording_id=f"{whole.recording_id}_{half}",
        recorded_at=whole.recorded_at + timedelta(seconds=0 if first else middle / whole.rate_hz),
        signal=whole.signal[:, :middle] if first else whole.signal[:, middle:],
    )


def _endless(recordings: list[Recording], rng: np.random.Generator) -> Iterator[Recording]:
    while True:
        for index in rng.permutation(len(recordings)):
            yield from repeat(recordings[index], _IN_A_ROW)


@dataclass(frozen=True, eq=False)
class _Series:
    number: int
    person: int
    side: str
    label: str
    signal: np.ndarray


@cache
def _series() -> tuple[_Series, ...]:
    import seglearn.datasets

    path = Path(seglearn.datasets.__file__).parent / "data" / "watch_dataset.npy"
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise WatchDataError(f"{path}: {error}", "install seglearn==1.2.5") from None
    if found != _SHA256:
        raise WatchDataError(
            f"{path} is not the file of seglearn 1.2.5; it is a pickle and is not opened",
            "install seglearn==1.2.5",
        )
    data = seglearn.datasets.load_watch()
    return tuple(
        _Series(
            number=number,
            person=int(data["subject"][number]),
            side="right" if data["side"][number] else "left",
            label=str(data["y_labels"][int(data["y"][number])]),
            signal=np.ascontiguousarray(series.T, dtype=np.float32),
        )
        for number, series in enumerate(data["X"])
    )
