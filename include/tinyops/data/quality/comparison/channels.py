"""Channels that have died, or changed places."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np

from tinyops.data.quality.comparison.reference import Floats, References

NEIGHBOURS = 0.1
"""Of the limit: how much quieter a channel is than all others of its unit when it is dead, where
nothing is known of it."""

MOST_CHANNELS = 4
"""With one unit: their orders are all tried."""

WRONG, RIGHT = 6.0, 2.0
"""Standard deviations, root mean square over the channels: that the channels are off as they come,
and that another order at most leaves."""

_TINY = 1e-12


def dead_channels(
    deviations: Floats,
    machines: Sequence[str],
    labels: Sequence[str],
    names: Sequence[str],
    groups: list[list[int]],
    limit: float,
    first: int,
) -> list[str | None]:
    """For each recording from `first` on the channel that is dead; None for none.

    A channel is dead when it moves less than `limit` of what it does in comparable recordings, or
    than a tenth of that against every other channel of its unit.

    Parameters
    ----------
    deviations
        Standard deviation [recordings, channels]; nan where unknown.
    """
    logs = np.log10(np.maximum(deviations, _TINY))
    references = References(logs, machines, labels)
    found: list[str | None] = []
    for at in range(first, len(logs)):
        dead = np.zeros(len(names), bool)
        if np.isfinite(logs[at]).all():
            for _, reference in references.of(machines[at], labels[at]):
                # Not all channels at once: then the machine stands still.
                dead = logs[at] < reference.median + np.log10(limit)
                break
            for group in groups:
                loudest = np.sort(logs[at][group])
                if len(group) > 1 and loudest[0] < loudest[1] + np.log10(limit * NEIGHBOURS):
                    dead[group[int(logs[at][group].argmin())]] = True
        lone = dead.any() and (not dead.all() or len(names) == 1)
        found.append(names[int(dead.argmax())] if lone else None)
    return found


def swapped_channels(
    means: Floats,
    deviations: Floats,
    devices: Sequence[str],
    names: Sequence[str],
    groups: list[list[int]],
    first: int,
) -> list[str | None]:
    """For each recording from `first` on the order in which its channels would fit those of the
    same device, where they do not as they come; None otherwise.

    Means tell by gravity and offsets, deviations by what each axis feels.
    """
    groups = [group for group in groups if 1 < len(group) <= MOST_CHANNELS]
    if not groups:
        return [None] * (len(means) - first)
    logs = np.log10(np.maximum(deviations, _TINY))
    references = References(np.hstack([means, logs]), devices, [""] * len(devices))
    found: list[str | None] = []
    for at in range(first, len(means)):
        known = next((one for (name, _), one in references.of(devices[at], "") if name), None)
        if known is None or not np.isfinite(means[at]).all():
            found.append(None)
            continue
        count = len(names)
        # A spread of nothing is a spread that has not been seen yet.
        scale = np.hypot(np.abs(known.median[:count]).max(), 10 ** known.median[count:].max())
        sigma = np.concatenate(
            [
                np.maximum(known.sigma[:count], 0.03 * scale),
                np.maximum(known.sigma[count:], 0.1),
            ]
        )
        order = list(range(count))
        for group in groups:
            order = _best(order, group, means[at], logs[at], known.median, sigma)
        found.append(",".join(names[place] for place in order) if order != sorted(order) else None)
    return found


def _best(
    order: list[int], group: list[int], means: Floats, logs: Floats, median: Floats, sigma: Floats
) -> list[int]:
    count = len(means)
    places = [*group, *(count + place for place in group)]

    def off(given: Sequence[int]) -> float:
        values = np.concatenate([means[list(given)], logs[list(given)]])
        return float(np.sqrt(np.mean(((values - median[places]) / sigma[places]) ** 2)))

    best = min(permutations(group), key=off)
    if off(group) < WRONG or off(best) > RIGHT:
        return order
    changed = list(order)
    for place, source in zip(group, best, strict=True):
        changed[place] = source
    return changed
