"""The threshold of T² by Monte Carlo: what frame sets without drift reach at a stated rate."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyops.sketches.components import Floats
from tinyops.sketches.estimation import Sample
from tinyops.sketches.expectation import Expectation

EXCEEDANCES = 20
"""Draws beyond a quantile, at least, so that the quantile is known."""
_COARSE, _COARSE_EXCEEDANCES = 1e-3, 10
_WORST = 2
_REUSE = 5
_BATCH = 4096
_ROUNDING = 1e-9

Rows = NDArray[np.intp]


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
    references: list[Expectation],
    frames: int,
    rate: float,
    rng: np.random.Generator,
) -> Threshold:
    """The T² that no world without drift exceeds more often than at `rate`.

    Every draw is a frame set of windows of the sample, held against one of `references`: so the
    reference's own error counts, in its means and in its covariances. A rate below 0.001 is found
    in the two worlds that are worst at 0.001. The rate has EXCEEDANCES draws beyond it.
    """
    coarse = max(rate, _COARSE)
    beyond = EXCEEDANCES if rate == coarse else _COARSE_EXCEEDANCES
    count = math.ceil(beyond / coarse)
    rates = sorted({max(0.01, rate), coarse}, reverse=True)
    table: list[tuple[list[float], World]] = []
    for world in worlds(sample):
        sets = _Sets.draw(sample, world, references, frames, count, rng)
        highest = sets.highest(world.explained, round(rates[0] * count))
        table.append(([float(highest[round(each * count) - 1]) for each in rates], world))
    levels = [(each, max(row[at] for row, _ in table)) for at, each in enumerate(rates)]
    table.sort(key=lambda row: -row[0][-1])
    worst = table[0][1].name
    if rate < coarse:
        count = math.ceil(EXCEEDANCES / rate)
        reached = {}
        for _, world in table[:_WORST]:
            sets = _Sets.draw(sample, world, references, frames, count, rng)
            reached[world.name] = float(sets.highest(world.explained, EXCEEDANCES)[-1])
        worst = max(reached, key=lambda name: reached[name])
        levels.append((rate, max(reached[worst], levels[-1][1])))
    return Threshold(tuple(levels), worst, count)


@dataclass(frozen=True, eq=False)
class _Sets:
    """Drawn frame sets: components [n, D] and class shares [n, C]. An equal piece of them is
    held against each of the references."""

    found: Floats
    classes: Floats
    references: list[Expectation]

    @classmethod
    def draw(
        cls,
        sample: Sample,
        world: World,
        references: list[Expectation],
        frames: int,
        count: int,
        rng: np.random.Generator,
    ) -> _Sets:
        # Sets share frames. Each set by itself is drawn as it should be; the quantile is only a
        # little noisier than of sets that share nothing, and costs a fifth.
        reuse = min(_REUSE, frames)
        pool, windows = math.ceil(count / reuse), references[0].windows
        table = np.concatenate(
            [sample.values, np.eye(sample.classes)[sample.predicted]], axis=1
        ).astype(np.float32)
        drawn = np.concatenate(
            [
                table[rng.choice(len(table), (size, windows // frames), p=world.chances)].sum(
                    axis=1
                )
                for size in (min(_BATCH, pool - start) for start in range(0, pool, _BATCH))
            ]
        )
        sets = np.concatenate(
            [
                np.sum([drawn[rng.permutation(pool)] for _ in range(frames)], axis=0)
                for _ in range(reuse)
            ]
        )[:count].astype(np.float64)
        split = sample.values.shape[1]
        return cls(sets[:, :split] / windows, sets[:, split:] / windows, references)

    def highest(self, explained: Floats, wanted: int) -> Floats:
        """The `wanted` highest T², falling.

        T² at any weights bounds the least T²: at those that the world is made with, `explained`,
        and at those of the mixture. So only sets are looked at whose bounds can still matter.
        """
        every = np.arange(len(self.found))
        bounds = self._at(
            every, lambda one, rows: np.broadcast_to(explained, (len(rows), len(explained)))
        )
        order = np.argsort(-bounds)
        if len(explained) == 1:
            return bounds[order[:wanted]]
        enough = np.sort(self._least(order[: 2 * wanted]))[-wanted] * (1 - _ROUNDING)
        rows = order[bounds[order] >= enough]
        closer = self._at(
            rows, lambda one, some: one.mixtures(self.found[some], self.classes[some])
        )
        return -np.sort(-self._least(rows[closer >= enough]))[:wanted]

    def _at(self, rows: Rows, weights: Callable[[Expectation, Rows], Floats]) -> Floats:
        def distances(one: Expectation, some: Rows) -> Floats:
            return one.distances(self.found[some], self.classes[some], weights(one, some))

        return self._by_reference(rows, distances)

    def _least(self, rows: Rows) -> Floats:
        def least(one: Expectation, some: Rows) -> Floats:
            return one.nearest(self.found[some], self.classes[some])[0]

        return self._by_reference(rows, least)

    def _by_reference(self, rows: Rows, figure: Callable[[Expectation, Rows], Floats]) -> Floats:
        reference = rows * len(self.references) // len(self.found)
        found = np.empty(len(rows))
        for number in np.unique(reference):
            own = np.flatnonzero(reference == number)
            found[own] = figure(self.references[number], rows[own])
        return found
