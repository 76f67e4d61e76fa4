"""Conditions: which batches, machines or people of a reference stand for themselves."""

from __future__ import annotations

import numpy as np
import pytest

from tinyops.sketches.components import Floats
from tinyops.sketches.conditions import MOST, conditions_of

EACH, SIZE = 10, 12


def world(
    machines: list[tuple[str, float]], seed: int = 0
) -> tuple[Floats, np.ndarray, np.ndarray]:
    """Values, machines and batches of machines that are (batch, how far off)."""
    rng = np.random.default_rng(seed)
    values = [rng.normal(off, 1, (EACH, SIZE)) + rng.normal(0, 0.3, SIZE) for _, off in machines]
    names = np.repeat([f"m{number:03d}" for number in range(len(machines))], EACH)
    batches = np.repeat([batch for batch, _ in machines], EACH)
    return np.concatenate(values), names, batches


def conditions(
    kind: str, found: tuple[Floats, np.ndarray, np.ndarray]
) -> tuple[list[int], list[str]]:
    labels = np.arange(len(found[0])) % 2
    index, names = conditions_of(kind, found[0], labels, found[1], found[2])  # type: ignore[arg-type]
    return index[::EACH].tolist(), names


def test_a_batch_of_another_world_is_a_condition() -> None:
    found = world([("old", 0.0)] * 30 + [("new", 0.5)] * 20)
    assert conditions("open", found) == ([0] * 30 + [1] * 20, ["old", "new"])


def test_a_batch_like_another_joins_it() -> None:
    found = world([("b2", 0.0)] * 30 + [("b1", 0.0)] * 20 + [("b3", 0.6)] * 20 + [("b4", 0.6)] * 20)
    assert conditions("open", found) == ([0] * 50 + [1] * 40, ["b2", "b3"])


def test_two_machines_are_no_condition_whatever_they_are_like() -> None:
    found = world([("old", 0.0)] * 30 + [("new", 2.0)] * 2)
    assert conditions("open", found) == ([0] * 32, ["old"])


@pytest.mark.parametrize("seed", range(5))
def test_few_machines_that_differ_are_one(seed: int) -> None:
    found = world([("old", 0.0)] * 30 + [("new", 1.5)] * 4, seed)
    assert conditions("open", found)[1] == ["old", "new"]


def test_of_a_fixed_population_everybody_is_one() -> None:
    found = world([("b", 0.0)] * 8)
    people = np.repeat(["anna", "ben"], 4 * EACH)
    assert conditions("fixed", (found[0], people, found[2])) == ([0] * 4 + [1] * 4, ["anna", "ben"])


def test_who_has_few_windows_joins_the_nearest() -> None:
    found = world([("b", 0.0)] * 4 + [("b", 3.0)] * 4 + [("b", 2.5)])
    people = np.repeat(["anna", "ben", "cleo"], [4 * EACH, 4 * EACH, EACH])
    assert conditions("fixed", (found[0], people, found[2])) == (
        [0] * 4 + [1] * 5,
        ["anna", "ben"],
    )


def test_there_are_not_more_conditions_than_can_be_judged() -> None:
    found = world([("b", float(number // 4)) for number in range(4 * (MOST + 4))])
    people = np.repeat([f"p{number:02d}" for number in range(MOST + 4)], 4 * EACH)
    index, names = conditions("fixed", (found[0], people, found[2]))
    assert len(names) == MOST
    assert set(index) == set(range(MOST))
