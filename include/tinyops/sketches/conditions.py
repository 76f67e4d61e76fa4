"""Which parts of a reference are conditions of their own, that a frame set may come from."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tinyops.sketches.components import Floats

MOST = 16
"""Conditions, at most; beyond that the smallest join others."""
_LEVEL = 0.01
_FEWEST_WINDOWS = 32
_FEWEST_GROUPS = 3


def units_of(population: Literal["open", "fixed"], groups: NDArray[np.str_]) -> NDArray[np.int64]:
    """What a reference is a sample of, [n]: machines where they stand for others of their kind,
    windows where the machines are all there are."""
    if population == "open":
        return np.unique(groups, return_inverse=True)[1].reshape(-1)
    return np.arange(len(groups))


def conditions_of(
    population: Literal["open", "fixed"],
    values: Floats,
    labels: NDArray[np.int64],
    groups: NDArray[np.str_],
    batches: NDArray[np.str_],
) -> tuple[NDArray[np.int64], list[str]]:
    """The condition of each window [n], and what the conditions are called.

    Fixed: one for each machine or person; those with fewer than 32 windows join the nearest. Open:
    one for each batch, in order of first appearance; a batch that Hotelling's test at level 0.01 of
    its machines' means cannot tell from a condition before it joins the nearest, and so does one of
    fewer than three machines.

    Parameters
    ----------
    values
        [n, D], components of single windows.
    labels, groups, batches
        [n], true class, machine or person, batch.
    """
    left = values - _means_by(labels, values)
    parts = groups if population == "fixed" else batches
    names, first = np.unique(parts, return_index=True)
    ordered = [str(names[index]) for index in np.argsort(first)]
    if population == "open":
        chosen = _distinct(left, groups, parts, ordered)
    else:
        sizes = {name: int((parts == name).sum()) for name in ordered}
        largest = sorted(ordered, key=lambda name: -sizes[name])[:MOST]
        kept = [name for name in largest if sizes[name] >= _FEWEST_WINDOWS] or largest[:1]
        means = {name: left[parts == name].mean(axis=0) for name in ordered}
        chosen = {
            name: name if name in kept else _nearest(means[name], {k: means[k] for k in kept})
            for name in ordered
        }
    conditions = [name for name in ordered if chosen[name] == name]
    index = {name: conditions.index(chosen[name]) for name in ordered}
    return np.array([index[str(part)] for part in parts]), conditions


def _distinct(
    left: Floats, groups: NDArray[np.str_], batches: NDArray[np.str_], ordered: list[str]
) -> dict[str, str]:
    """The condition that each batch belongs to."""
    from scipy.stats import f

    machines = {
        name: _group_means(left[batches == name], groups[batches == name]) for name in ordered
    }
    centred = np.concatenate([rows - rows.mean(axis=0) for rows in machines.values()])
    freedom, size = len(centred) - len(ordered), left.shape[1]
    spread = centred.T @ centred / max(freedom, 1)
    chosen: dict[str, str] = {}
    for name in ordered:
        rows = machines[name]
        kept = {key: machines[key].mean(axis=0) for key in dict.fromkeys(chosen.values())}
        if not kept:
            chosen[name] = name
            continue
        nearest = _nearest(rows.mean(axis=0), kept)
        away = rows.mean(axis=0) - kept[nearest]
        scale = 1 / len(rows) + 1 / len(machines[nearest])
        alone = len(rows) >= _FEWEST_GROUPS and len(kept) < MOST
        if alone and freedom > size:
            t2 = float(away @ np.linalg.solve(spread * scale, away))
            ratio = t2 * (freedom - size + 1) / (freedom * size)
            alone = float(f.sf(ratio, size, freedom - size + 1)) < _LEVEL
        chosen[name] = name if alone else nearest
    return chosen


def _nearest(mean: Floats, others: dict[str, Floats]) -> str:
    return min(others, key=lambda name: float(np.sum((mean - others[name]) ** 2)))


def _group_means(values: Floats, groups: NDArray[np.str_]) -> Floats:
    return np.stack([values[groups == name].mean(axis=0) for name in np.unique(groups)])


def _means_by(labels: NDArray[np.int64], values: Floats) -> Floats:
    found = np.zeros_like(values)
    for name in np.unique(labels):
        found[labels == name] = values[labels == name].mean(axis=0)
    return found
