"""The scenarios in which a model is asked, with the definitions of MLPerf Inference.

Source of the definitions: the table "Scenarios" of
https://github.com/mlcommons/inference_policies/blob/master/inference_rules.adoc. No figure here is
an MLPerf result: those follow that document to the letter and are reviewed by MLCommons.

single-stream
    The next query, of one sample, is sent as soon as the one before is answered. Metric: the 90th
    percentile of the latency.
multi-stream
    Each query has one sample of each of N streams. Metric: the greatest N of which 99 % of the
    queries are answered within a bound (rules 0.5 to 1.1; since 2.0 N is 8 and the metric is the
    99th percentile of the latency).
server
    Queries of one sample arrive by a Poisson process. Metric: the highest rate at which 99 % are
    answered within a bound, counted from the scheduled arrival.
offline
    All samples are there at the start. Metric: samples per second.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal

from tinyops.serving.errors import ServingError

SINGLE_STREAM_PERCENTILE = 0.90
TAIL_PERCENTILE = 0.99
"""Of the multi-stream and server scenarios."""

NO_MLPERF_RESULT = "MLPerf-style, not an MLPerf result"


class Scenario(StrEnum):
    """How queries come."""

    SINGLE_STREAM = "single-stream"
    MULTI_STREAM = "multi-stream"
    SERVER = "server"
    OFFLINE = "offline"


Measured = Literal["emulated", "host-measured"]


@dataclass(frozen=True)
class Result:
    """One figure of one scenario.

    Parameters
    ----------
    system
        What answered: a board's name, or LiteRT on this host.
    metric, value, unit
        The scenario's metric; unit is ms, streams, queries/s or samples/s.
    measured
        emulated: computed from instructions counted in an emulator, and repeats exactly;
        host-measured: a time of this host, which does not repeat.
    assumptions
        What the figure holds for, one sentence each.
    """

    scenario: Scenario
    system: str
    metric: str
    value: float
    unit: str
    measured: Measured
    assumptions: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON content."""
        return asdict(self) | {"assumptions": list(self.assumptions)}


def result_of(
    scenario: Scenario,
    value: float,
    system: str,
    measured: Measured,
    bound_ms: float,
    assumptions: Iterable[str],
) -> Result:
    """The result of a scenario with its metric and unit; `bound_ms` names the latency bound."""
    within = f"with a 99th percentile of at most {bound_ms:g} ms"
    metric, unit = {
        Scenario.SINGLE_STREAM: ("90th percentile of the latency", "ms"),
        Scenario.MULTI_STREAM: (f"streams, {within}", "streams"),
        Scenario.SERVER: (f"Poisson arrivals, {within}", "queries/s"),
        Scenario.OFFLINE: ("throughput", "samples/s"),
    }[scenario]
    return Result(
        scenario, system, metric, float(f"{value:.6g}"), unit, measured, tuple(assumptions)
    )


def chosen(names: Iterable[str]) -> list[Scenario]:
    """Scenarios by name, `all` for all of them, in the order of their definition.

    Raises
    ------
    ServingError
        There is no such scenario.
    """
    wanted = set(names)
    known = {scenario.value for scenario in Scenario}
    if stray := wanted - known - {"all"}:
        raise ServingError(
            f"no scenario {', '.join(map(repr, sorted(stray)))}",
            f"use one of: {', '.join(scenario.value for scenario in Scenario)}, all",
        )
    return [one for one in Scenario if "all" in wanted or one.value in wanted]
