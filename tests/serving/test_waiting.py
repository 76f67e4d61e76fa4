"""The M/D/1 queue: its exact distribution against a simulation, a textbook formula and its tail."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tinyops.serving import waiting
from tinyops.serving.waiting import highest_rate, waiting_cdf

SERVICE = 0.125


@pytest.mark.parametrize("load", [0.3, 0.7, 0.95])
def test_the_distribution_is_that_of_simulated_queries(load: float) -> None:
    # Lindley's recursion: the next query waits for what is left of this one's wait and service.
    generator = np.random.default_rng(7)
    gaps = generator.exponential(SERVICE / load, 400_000)
    steps = np.concatenate([[0.0], SERVICE - gaps[1:]])
    walk = np.cumsum(steps)
    waits = (walk - np.minimum.accumulate(walk))[20_000:]
    for wait in (0.0, 0.4, 1.0, 2.5, 6.0):
        exact = waiting_cdf(wait * SERVICE, load / SERVICE, SERVICE)
        # Waits follow each other closely, the more so the busier the server.
        assert np.mean(waits <= wait * SERVICE) == pytest.approx(exact, abs=0.004 / (1 - load))


@pytest.mark.parametrize("load", [0.2, 0.8])
@pytest.mark.parametrize("wait", [0.0, 0.5, 1.0, 3.2, 6.0])
def test_the_distribution_is_erlangs(load: float, wait: float) -> None:
    # Erlang 1909; good while its alternating terms are small.
    terms = (
        (load * (k - wait)) ** k / math.factorial(k) * math.exp(-load * (k - wait))
        for k in range(int(wait) + 1)
    )
    found = waiting_cdf(wait * SERVICE, load / SERVICE, SERVICE)
    assert found == pytest.approx((1 - load) * sum(terms), abs=1e-12)


@pytest.mark.parametrize("load", [0.1, 0.5, 0.9, 0.999])
def test_sum_and_tail_meet(load: float) -> None:
    for wait in (20, 45.5, 63.9):
        assert 1 - waiting_cdf(wait, load, 1.0) == pytest.approx(
            waiting._tail(wait, load), abs=1e-12
        )


def test_the_mean_wait_is_pollaczek_and_khinchines() -> None:
    load = 0.6
    grid = np.arange(0, 60, 0.01)
    above = [1 - waiting_cdf(wait, load, 1.0) for wait in grid]
    # The atom at 0 aside, the mean is the integral of P(W > t).
    assert np.trapezoid(above, grid) == pytest.approx(load / (2 * (1 - load)), rel=1e-3)


def test_the_highest_rate_is_where_the_percentile_meets_the_bound() -> None:
    rate = highest_rate(1.0, SERVICE, 0.99)
    assert waiting_cdf(1.0 - SERVICE, rate, SERVICE) == pytest.approx(0.99, abs=1e-9)
    assert 0 < highest_rate(SERVICE, SERVICE, 0.99) < rate < 1 / SERVICE
    # Alone it must not find anybody in service: P(no wait) = 1 - load.
    assert highest_rate(SERVICE, SERVICE, 0.99) == pytest.approx(0.01 / SERVICE, rel=1e-6)
    assert highest_rate(0.9 * SERVICE, SERVICE, 0.99) == 0
    assert highest_rate(1e5 * SERVICE, SERVICE, 0.99) == pytest.approx(1 / SERVICE, rel=1e-4)


def test_a_server_that_is_overrun_and_one_that_is_idle() -> None:
    assert waiting_cdf(100.0, 1 / SERVICE, SERVICE) == 0
    assert waiting_cdf(0.0, 0.0, SERVICE) == 1
    assert waiting_cdf(-0.1, 1.0, SERVICE) == 0
