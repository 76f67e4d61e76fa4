"""The threshold of T² by Monte Carlo: what frame sets without drift reach at a stated rate."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tinyops.monitoring.components import Floats
from tinyops.monitoring.estimation import Sample
from tinyops.monitoring.expectation import Expectation

EXCEEDANCES = 20
"""Draws beyond a quantile, at least, so that the quantile is known."""
_COARSE = 1e-3
_WORST = 3
_REUSE = 5
_BATCH = 256


@dataclass(frozen=True)
class Threshold:
    """Quantiles of T² without drift.

    Parameters
    ----------
    levels
        (rate, T²), rates falling: no world without drift that was tried exceeds T² more often.
        The last is the rate that alarms are raised at.
    worst
        The world that it was reached in.
    draws
        Frame sets drawn of that world.
    """

    levels: tuple[tuple[float, float], ...]
    worst: str
    draws: int

    @property
    def value(self) -> float:
        """T² above which there is drift."""
        return self.levels[-1][1]

    def p_at_most(self, statistic: float) -> float:
        """An upper bound of the p-value: the smallest rate in `levels` that was reached, or 1."""
        return min((rate for rate, bound in self.levels if statistic > bound), default=1.0)


@dataclass(frozen=True, eq=False)
class World:
    """A way in which windows may come without drift: each window's chance, [n].

    `explained` are the weights of conditions [O] that it is explained with by construction.
    """

    name: str
    chances: Floats
    explained: Floats


def worlds(sample: Sample) -> list[World]:
    """Each condition alone; all conditions alike; each true class alone, whatever the condition."""
    conditions = np.eye(sample.origins)[sample.conditions]
    alone = conditions / conditions.sum(axis=0)
    alike = np.full(sample.origins, 1 / sample.origins)
    found = [
        World(f"condition {index}", alone[:, index], row)
        for index, row in enumerate(np.eye(sample.origins))
    ]
    if sample.origins > 1:
        found.append(World("all conditions", alone @ alike, alike))
    for name in np.unique(sample.labels):
        chances = np.where(sample.labels == name, alone.mean(axis=1), 0.0)
        found.append(World(f"class {name}", chances / chances.sum(), alike))
    return found


def threshold(
    sample: Sample,
    expectation: Expectation,
    replicates: Floats,
    frames: int,
    rate: float,
    rng: np.random.Generator,
) -> Threshold:
    """The T² that no world without drift exceeds more often than at `rate`.

    Every draw is a frame set of windows of the sample, held against the means of a bootstrapped
    reference: so the reference's own error counts. Rates below 0.001 are found in the three worlds
    that are worst at 0.001; each rate has at least EXCEEDANCES draws beyond it.
    """
    coarse = max(rate, _COARSE)
    count = math.ceil(EXCEEDANCES / coarse)
    rates = sorted({max(0.01, rate), coarse}, reverse=True)
    table: list[tuple[list[float], World]] = []
    for world in worlds(sample):
        sets = _Sets.draw(sample, world, replicates, expectation.windows, frames, count, rng)
        highest = sets.highest(expectation, world, round(rates[0] * count))
        table.append(([float(highest[round(each * count) - 1]) for each in rates], world))
    levels = [(each, max(row[at] for row, _ in table)) for at, each in enumerate(rates)]
    table.sort(key=lambda row: -row[0][-1])
    worst = table[0][1].name
    if rate < coarse:
        count = math.ceil(EXCEEDANCES / rate)
        reached = {}
        for _, world in table[:_WORST]:
            sets = _Sets.draw(sample, world, replicates, expectation.windows, frames, count, rng)
            reached[world.name] = float(sets.highest(expectation, world, EXCEEDANCES)[-1])
        worst = max(reached, key=lambda name: reached[name])
        levels.append((rate, max(reached[worst], levels[-1][1])))
    return Threshold(tuple(levels), worst, count)


@dataclass(frozen=True, eq=False)
class _Sets:
    """Drawn frame sets: components [n, SIZE], class shares [n, C], replicate of each [n]."""

    found: Floats
    classes: Floats
    replicates: Floats
    replicate: np.ndarray

    @classmethod
    def draw(
        cls,
        sample: Sample,
        world: World,
        replicates: Floats,
        windows: int,
        frames: int,
        count: int,
        rng: np.random.Generator,
    ) -> _Sets:
        # Sets share frames. Each set by itself is drawn as it should be; the quantile is only a
        # little noisier than of sets that share nothing, and costs a fifth.
        reuse = min(_REUSE, frames)
        pool = math.ceil(count / reuse)
        table = np.concatenate(
            [sample.values, np.eye(sample.classes)[sample.predicted]], axis=1
        ).astype(np.float32)
        drawn = np.concatenate(
            [
                table[rng.choice(len(table), (size, windows // frames), p=world.chances)].sum(
                    axis=1
                )
                for size in _pieces(pool, 4096)
            ]
        )
        sets = np.concatenate(
            [
                np.sum([drawn[rng.permutation(pool)] for _ in range(frames)], axis=0)
                for _ in range(reuse)
            ]
        )[:count].astype(np.float64)
        split = sample.values.shape[1]
        return cls(
            sets[:, :split] / windows,
            sets[:, split:] / windows,
            replicates,
            rng.integers(len(replicates), size=count),
        )

    def highest(self, expectation: Expectation, world: World, wanted: int) -> Floats:
        """The `wanted` highest T², falling.

        T² at the weights that the world is made with bounds the least T². So the sets are looked at
        from the highest bound down, and no further than a bound can still matter.
        """
        explained = np.broadcast_to(world.explained, (len(self.found), expectation.conditions))
        bounds = np.concatenate(
            [self._bounds(expectation, explained, rows) for rows in _slices(len(self.found), 8192)]
        )
        order = np.argsort(-bounds)
        if expectation.conditions == 1:
            return bounds[order[:wanted]]
        best = np.empty(0)
        for rows in _slices(len(order), _BATCH):
            if len(best) == wanted and bounds[order[rows.start]] <= best[-1]:
                break
            some = order[rows]
            least, _ = expectation.nearest(
                self.found[some], self.classes[some], self.replicates[self.replicate[some]]
            )
            best = -np.sort(-np.concatenate([best, least]))[:wanted]
        return best

    def _bounds(self, expectation: Expectation, weights: Floats, rows: slice) -> Floats:
        means = self.replicates[self.replicate[rows]]
        return expectation.distances(self.found[rows], self.classes[rows], weights[rows], means)


def _slices(count: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, count)) for start in range(0, count, size))


def _pieces(count: int, size: int) -> list[int]:
    return [piece.stop - piece.start for piece in _slices(count, size)]
