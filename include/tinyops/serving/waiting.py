"""How long a query waits for one server with a fixed service time and Poisson arrivals (M/D/1).

A microcontroller answers one query after the other, each in the same time, so the server scenario
needs no simulation. First come, first served; no query is dropped.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

# The exact sum grows with the square of the wait in service times. Beyond this many the
# exponential tail differs from it by less than 1e-12 (tests/serving/test_waiting.py).
_EXACT = 64


def waiting_cdf(wait: float, rate: float, service: float) -> float:
    """P(a query waits at most `wait`), both in seconds, at `rate` arrivals a second.

    Exact up to 64 service times: G. J. Franx, A simple solution for the M/D/c waiting time
    distribution, Operations Research Letters 29 (2001), for c = 1. Its terms are all positive;
    Erlang's older sum cancels. Beyond: the Cramér-Lundberg tail (Asmussen, Applied Probability and
    Queues, 2003, XIII.5).
    """
    load = rate * service
    if wait < 0 or load >= 1:
        return 0.0
    if load <= 0:
        return 1.0
    if wait > _EXACT * service:
        return 1 - _tail(wait / service, load)
    number = math.floor(wait / service) + 1
    share = load * (number - wait / service)
    # Of the customers who are there when one leaves; one more than wait.
    present = np.cumsum(_states(load, number + 1))
    terms = np.arange(number)
    poisson = np.exp(-share + terms * math.log(share) - _log_factorial(number))
    return min(1.0, float(poisson @ present[number - terms]))


def highest_rate(bound: float, service: float, percentile: float) -> float:
    """The highest rate at which this share of all queries is answered within `bound` seconds.

    0 where a query takes longer than that by itself.
    """
    if bound < service:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(50):
        load = (low + high) / 2
        if waiting_cdf(bound - service, load / service, service) >= percentile:
            low = load
        else:
            high = load
    return low / service


def _states(load: float, most: int) -> NDArray[np.float64]:
    """P(j customers present), j = 0 … most.

    By level crossings of the embedded chain: as often as it leaves {0 … n} upwards, by more
    arrivals in a service than it can hold, it comes back, by none.
    """
    arrivals = np.exp(
        np.arange(most + 2) * math.log(load) - load - _log_factorial(most + 2)
    )  # P(k arrivals during a service)
    more = np.clip(1 - np.cumsum(arrivals), 0, None)  # P(more than k)
    present = np.zeros(most + 1)
    present[0] = 1 - load
    for n in range(most):
        up = present[0] * more[n] + present[1 : n + 1] @ more[n:0:-1]
        present[n + 1] = up / arrivals[0]
    return present


def _tail(wait: float, load: float) -> float:
    """P(W > wait), wait in service times, from the root of load (e^x - 1) = x above 0."""
    low, high = -math.log(load), 1 - math.log(load)
    while load * math.expm1(high) < high:
        high += 1
    for _ in range(80):
        middle = (low + high) / 2
        if load * math.expm1(middle) < middle:
            low = middle
        else:
            high = middle
    return (1 - load) / (load * math.exp(high) - 1) * math.exp(-high * wait)


def _log_factorial(count: int) -> NDArray[np.float64]:
    """log k! for k = 0 … count - 1."""
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, count)))])
