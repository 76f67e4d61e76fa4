"""One side of the windows that is watched: some histograms, and what they are without drift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tinyops.projects.monitoring_section import Monitoring
from tinyops.sketches.components import Components, Floats
from tinyops.sketches.conditions import conditions_of, units_of
from tinyops.sketches.estimation import Sample, estimate
from tinyops.sketches.expectation import Expectation
from tinyops.sketches.frames import BINS
from tinyops.sketches.null import Threshold, threshold


@dataclass(frozen=True, eq=False)
class View:
    """Histograms with their expectation and threshold.

    Parameters
    ----------
    features
        What the histograms are of.
    conditions
        What the conditions of the expectation are called.
    """

    features: tuple[str, ...]
    conditions: tuple[str, ...]
    components: Components
    expectation: Expectation
    threshold: Threshold

    def find(self, cells: Floats, classes: Floats) -> Finding:
        """Look at a frame set: shares of windows by cell, and by predicted class [C]."""
        found, shares = self.components.of(cells)[None], classes[None]
        statistic, weights = self.expectation.nearest(found, shares)
        left = self.expectation.residuals(found, shares, weights)[0]
        spread = np.sqrt(np.diag(self.expectation.covariances(shares, weights)[0]))
        return Finding(float(statistic[0]), weights[0], left / spread)

    def weakness(self) -> str:
        """Reason why this cannot tell drift from none, "" if it can.

        T² is on the scale of chi-squared with a degree of freedom for each component, whose mean is
        their number. Where sets without drift do not even reach the mean, the windows were too much
        alike for a covariance: any other window would be drift. Where a set with all its windows in
        one bin is no drift, whichever the bin, nothing would be.
        """
        size, limit = self.expectation.size, self.threshold.value
        if not size <= limit < np.inf:
            return (
                f"sets without drift reach T² {limit:.2g} at most, expected {size} or more: the "
                "reference windows hardly differ"
            )
        strangest = max(
            self.find(cells, classes).statistic
            for cells in _uniform_sets(self.components)
            for classes in np.eye(self.expectation.means.shape[1])
        )
        if strangest <= limit:
            return (
                f"sets without drift reach T² {limit:.1f}, and one with all windows in one bin "
                f"{strangest:.1f} at most: the reference windows differ by more than any drift"
            )
        return ""


def _uniform_sets(components: Components) -> list[Floats]:
    """Cells of the sets whose windows are all in the same bin of each histogram."""
    bins, rest = components.histograms * BINS, len(components.probabilities)
    found = []
    for place in range(BINS):
        cells = np.zeros(rest)
        cells[place:bins:BINS] = 1.0
        cells[bins:] = float(place in (0, BINS - 1))
        found.append(cells)
    return found


@dataclass(frozen=True, eq=False)
class Finding:
    """T², the weights of conditions [O] that explain a set best, and what is left of each
    component in standard deviations [D]."""

    statistic: float
    weights: Floats
    scores: Floats


@dataclass(frozen=True, eq=False)
class Origin:
    """Where reference windows come from, n of them: classes, machine or person, batch; all [n]."""

    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    groups: NDArray[np.str_]
    batches: NDArray[np.str_]
    classes: int

    def at(self, rows: NDArray[np.bool_]) -> Origin:
        """Of some of the windows."""
        return Origin(
            self.labels[rows],
            self.predicted[rows],
            self.groups[rows],
            self.batches[rows],
            self.classes,
        )


def build_view(
    features: tuple[str, ...],
    cells: Floats,
    origin: Origin,
    monitoring: Monitoring,
    rate: float,
    rng: np.random.Generator,
) -> tuple[View, NDArray[np.int64]]:
    """A view that raises false alarms at `rate`, and the condition of each window [n].

    Parameters
    ----------
    cells
        [n, cells], zeros and ones: of each window the bin of each histogram, and out of range.
    """
    population: Literal["open", "fixed"] = monitoring.population
    components = Components.of_reference(cells, len(features))
    values = components.of(cells)
    of_window, conditions = conditions_of(
        population, values, origin.labels, origin.groups, origin.batches
    )
    sample = Sample(
        values=values,
        labels=origin.labels,
        predicted=origin.predicted,
        conditions=of_window,
        units=units_of(population, origin.groups),
        rare=components.rare,
        classes=origin.classes,
    )
    expectation, references = estimate(sample, monitoring.set_windows, rng)
    bound = threshold(sample, references, monitoring.set_frames, rate, rng)
    return View(features, tuple(conditions), components, expectation, bound), of_window
