"""A class recorded at another rate than the rest: its shaft's lines fit another sampling rate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from tinyops.data.quality.signal_checks.lines import FACTORS


def rate_factors(
    scores: Sequence[Sequence[float]], labels: Sequence[str], limit: float
) -> list[float | None]:
    """For each recording the true rate over the stated one; None where the stated one fits best or
    nothing can be told.

    Evidence is the mean over the recordings of a class in the batch. It must exceed `limit`
    decades, and that for the stated rate by as much: one recording has lines by chance, a class has
    not.

    Parameters
    ----------
    scores
        `line_scores` of each recording.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for at, label in enumerate(labels):
        if len(scores[at]) == len(FACTORS):
            members[label].append(at)
    found: list[float | None] = [None] * len(labels)
    for numbers in members.values():
        mean = np.mean([scores[at] for at in numbers], axis=0)
        best = int(mean.argmax())
        if mean[best] > limit and mean[best] - mean[0] > limit:
            for at in numbers:
                found[at] = FACTORS[best]
    return found
