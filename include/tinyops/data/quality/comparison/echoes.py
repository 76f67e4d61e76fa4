"""Near-duplicates: fingerprints that agree in more bits than chance explains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tinyops.data.quality.signal_checks.echo import BITS, MOMENTS, echo_bits

Floats = npt.NDArray[np.float32]

MOST_DIFFERENT = 12
"""Of BITS, in two of the moments: machines repeat themselves, so that one moment in ten thousand
looks like another (docs/data.md has what real data shows)."""

_BLOCK = 2048


def near_duplicates(echoes: Sequence[str], names: Sequence[str], first: int) -> list[str | None]:
    """For each recording from `first` on the name of an earlier one that is the same capture.

    Costs matrix products: 1000 recordings against 100 000 take seconds.
    """
    bits = echo_bits(list(echoes))
    found: list[str | None] = []
    for start in range(first, len(bits), _BLOCK):
        block = bits[start : start + _BLOCK]
        best = np.full(len(block), -np.inf)
        twin = np.zeros(len(block), np.int64)
        for other in range(0, start + len(block), _BLOCK):
            against = bits[other : other + _BLOCK]
            agree = _agreement(block, against)
            # Only those that came before.
            later = np.arange(other, other + len(against))[None, :] >= (
                start + np.arange(len(block))[:, None]
            )
            agree = np.where(later, -np.inf, agree)
            nearest = agree.argmax(axis=1)
            value = agree[np.arange(len(block)), nearest]
            better = value > best
            best[better], twin[better] = value[better], other + nearest[better]
        close = best >= BITS - 2 * MOST_DIFFERENT
        found += [names[int(at)] if ok else None for at, ok in zip(twin, close, strict=True)]
    return found


def agreeing_bits(ours: Sequence[str], theirs: Sequence[str]) -> Floats:
    """[ours, theirs]: agreeing less differing bits; see _agreement."""
    return _agreement(echo_bits(list(ours)), echo_bits(list(theirs)))


def _agreement(ours: Floats, theirs: Floats) -> Floats:
    """[ours, theirs]: agreeing less differing bits of the second best of our moments, each with
    the moment of theirs that is most like it."""
    product = ours.reshape(-1, BITS) @ theirs.reshape(-1, BITS).T
    pairs = product.reshape(len(ours), MOMENTS, len(theirs), MOMENTS)
    return np.sort(pairs.max(axis=3), axis=1)[:, -2]
