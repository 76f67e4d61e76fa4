"""Effect sizes of a change: how far, never whether. Nothing here decides.

Both follow Evidently 0.7.23 on categorical rows, its way with empty bins included, so that its
pictures show the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyops.sketches.sketch import Counts

Floats = NDArray[np.float64]
Row = NDArray[np.integer] | NDArray[np.floating]


def psi(reference: Row, current: Row) -> float:
    """Population stability index of two rows of counts: sum of (p - q) ln(p / q) over the bins that
    either side has, p and q being shares.

    A share of 0 becomes 0.0001, or a millionth of the smallest share of that side where that share
    is not above 0.0001; the others are not scaled down for it.
    """
    p, q = (_filled(each) for each in _shares(reference, current))
    return float(np.sum((p - q) * np.log(p / q)))


def jensen_shannon(reference: Row, current: Row) -> float:
    """Jensen-Shannon distance of two rows of counts: the root of (KL(p, m) + KL(q, m)) / 2 in nats,
    with m = (p + q) / 2 and 0 ln 0 = 0."""
    p, q = _shares(reference, current)
    middle = (p + q) / 2
    divergence = _divergence(p, middle) + _divergence(q, middle)
    return float(np.sqrt(max(divergence / 2, 0.0)))


@dataclass(frozen=True)
class FeatureEffect:
    """How one feature of a frame set differs from what was expected.

    Parameters
    ----------
    psi, js
        See `psi` and `jensen_shannon`.
    shift
        Found less expected bin, on average; in eighths of the reference's windows.
    out_of_range, expected_out_of_range
        Shares.
    """

    psi: float
    js: float
    shift: float
    out_of_range: float
    expected_out_of_range: float


def effects_of(expected: Counts, found: Counts) -> tuple[FeatureEffect, ...]:
    """The effect on each feature."""
    return tuple(
        FeatureEffect(
            psi=psi(wanted, counted),
            js=jensen_shannon(wanted, counted),
            shift=_mean_bin(counted) - _mean_bin(wanted),
            out_of_range=float(found.out_of_range[feature] / found.n),
            expected_out_of_range=float(expected.out_of_range[feature] / expected.n),
        )
        for feature, (wanted, counted) in enumerate(
            zip(expected.histograms, found.histograms, strict=True)
        )
    )


def _shares(reference: Row, current: Row) -> tuple[Floats, Floats]:
    # A bin that neither side has is no category in rows of them.
    kept = (np.asarray(reference) > 0) | (np.asarray(current) > 0)
    p, q = (np.asarray(each, np.float64)[kept] for each in (reference, current))
    return p / p.sum(), q / q.sum()


def _filled(shares: Floats) -> Floats:
    smallest = shares[shares > 0].min()
    filler = smallest / 1e6 if smallest <= 0.0001 else 0.0001
    return np.where(shares > 0, shares, filler)


def _divergence(p: Floats, q: Floats) -> float:
    some = p > 0
    return float(np.sum(p[some] * np.log(p[some] / q[some])))


def _mean_bin(counts: Row) -> float:
    return float(np.arange(len(counts)) @ counts / counts.sum())
