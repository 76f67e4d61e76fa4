"""Levels that are off by a factor between units, and those that merely differ."""

from __future__ import annotations

import numpy as np

from tinyops.data.quality.comparison.unit_slip import unit_slips

FACTORS = (9.80665, 100.0, 1000.0)


def slips(decades: list[float], labels: list[str] | None = None) -> list[float | None]:
    """Of one channel's levels, each of a machine of its own."""
    machines = [f"m{at}" for at in range(len(decades))]
    levels = np.array(decades)[:, None]
    return unit_slips(levels, machines, labels or ["normal"] * len(decades), FACTORS, 0)


def test_a_fifth_that_is_a_hundred_times_off_among_machines_that_differ_tenfold() -> None:
    decades = list(np.linspace(0.0, 1.0, 30))
    off = [at for at in range(0, 30, 5)]
    for at in off:
        decades[at] += 2
    assert slips(decades) == [100.0 if at in off else None for at in range(30)]
    quiet = [one - 4 * (at in off) for at, one in enumerate(decades)]
    assert slips(quiet) == [0.01 if at in off else None for at in range(30)]


def test_a_class_of_quiet_and_loud_machines() -> None:
    quiet, loud = list(np.linspace(-0.9, -0.8, 40)), list(np.linspace(0.3, 0.35, 20))
    off = [quiet[3] + 2, loud[5] + 2, loud[9] + 2]
    assert slips([*quiet, *loud, *off]) == [None] * 60 + [100.0] * 3


def test_of_two_factors_it_is_the_one_that_leads_back_to_the_middle() -> None:
    wide = list(np.linspace(-1.2, 0.1, 60))
    assert slips([*wide, 1.7]) == [None] * 60 + [100.0]
    assert slips([*wide, 2.5]) == [None] * 60 + [1000.0]


def test_a_machine_that_grows_louder_leaves_levels_in_between() -> None:
    assert slips([*np.linspace(0.0, 0.3, 20), 0.8, 1.3, 1.8, 2.1]) == [None] * 24


def test_ten_times_as_loud_is_a_unit_in_its_class_and_a_fault_beside_others() -> None:
    same = list(np.linspace(0.0, 0.06, 20))
    assert slips([*same, 1.02]) == [None] * 20 + [9.80665]
    assert slips([*same, 1.02], ["normal"] * 20 + ["broken"]) == [None] * 21


def test_nothing_is_said_of_what_spreads_as_far_as_the_factor() -> None:
    assert slips([*np.linspace(0.0, 3.0, 30), 5.0]) == [None] * 31
