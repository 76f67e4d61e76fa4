"""A microcontroller in the four scenarios, from the instructions of one answer: emulated figures.

The model: one server, first come first served, no batching (a kernel call takes one sample), and
the same time for every query: instructions x cycles an instruction / clock. Instructions are
counted in QEMU, and what they cost in cycles is an assumption: one cycle is a lower bound on a
Cortex-M4, where loads, branches and flash wait states take more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from tinyops.serving.scenario import TAIL_PERCENTILE, Result, Scenario, result_of
from tinyops.serving.waiting import highest_rate

BOUND_MS = 1000.0
"""Latency bound where nobody names one."""


@dataclass(frozen=True)
class Answer:
    """What one answer takes.

    Parameters
    ----------
    board
        The board's name.
    instructions
        Counted in the emulator.
    counted
        What they are of: `inference`, or `window` from samples to decision.
    clock_hz, cycles_per_instruction
        The board's clock; what an instruction costs on average.
    """

    board: str
    instructions: int
    counted: str
    clock_hz: int
    cycles_per_instruction: float = 1.0

    @property
    def seconds(self) -> float:
        """Service time."""
        return self.instructions * self.cycles_per_instruction / self.clock_hz


def board_results(answer: Answer, scenarios: Iterable[Scenario], bound_ms: float) -> list[Result]:
    """Figures of a board; `bound_ms` is the latency bound of the server and multi-stream ones."""
    seconds, bound = answer.seconds, bound_ms / 1000
    values = {
        Scenario.SINGLE_STREAM: 1000 * seconds,
        # The tolerance is for bounds that are a multiple of the service time.
        Scenario.MULTI_STREAM: math.floor(bound / seconds + 1e-9),
        Scenario.SERVER: highest_rate(bound, seconds, TAIL_PERCENTILE),
        Scenario.OFFLINE: 1 / seconds,
    }
    more = {
        Scenario.MULTI_STREAM: "all streams' samples come together, one after the other is served",
        Scenario.SERVER: "M/D/1: Poisson arrivals, one server, fixed service time, none dropped",
    }
    common = (
        f"{answer.instructions:,} instructions per {answer.counted}, counted in QEMU",
        f"{answer.cycles_per_instruction:g} cycles an instruction, assumed"
        + (" (a lower bound)" if answer.cycles_per_instruction == 1 else ""),
        f"{answer.clock_hz / 1e6:g} MHz",
        "every query takes the same time; link and sensor are left out",
    )
    return [
        result_of(
            one,
            values[one],
            answer.board,
            "emulated",
            bound_ms,
            [*common, *([more[one]] if one in more else [])],
        )
        for one in scenarios
    ]
