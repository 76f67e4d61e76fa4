"""A board in the scenarios: figures that follow from instructions, and say what they assume."""

from __future__ import annotations

import pytest

from tinyops.serving.chip import Answer, board_results
from tinyops.serving.errors import ServingError
from tinyops.serving.scenario import Scenario, chosen

ANSWER = Answer("nano33ble-sense", 6_400_000, "inference", 64_000_000)


def values(answer: Answer, bound_ms: float) -> dict[str, float]:
    return {one.scenario.value: one.value for one in board_results(answer, Scenario, bound_ms)}


def test_the_four_scenarios_of_a_tenth_of_a_second() -> None:
    found = values(ANSWER, 1000)
    assert found["single-stream"] == 100
    assert found["multi-stream"] == 10, "a bound that is a multiple of the service time is met"
    assert found["offline"] == 10
    assert found["server"] == pytest.approx(7.7349, abs=1e-3)


def test_more_cycles_an_instruction_are_slower_and_said() -> None:
    slower = Answer("nano33ble-sense", 6_400_000, "inference", 64_000_000, 1.5)
    found = values(slower, 1000)
    assert (found["single-stream"], found["multi-stream"]) == (150, 6)
    for one in board_results(slower, Scenario, 1000):
        assert one.measured == "emulated"
        assert "1.5 cycles an instruction, assumed" in one.assumptions
        assert "6,400,000 instructions per inference, counted in QEMU" in one.assumptions
    assert "1 cycles an instruction, assumed (a lower bound)" in str(
        board_results(ANSWER, [Scenario.OFFLINE], 1000)
    )


def test_a_bound_that_one_query_misses_alone_supports_nothing() -> None:
    found = values(ANSWER, 99)
    assert (found["multi-stream"], found["server"]) == (0, 0)
    assert found["single-stream"] == 100


def test_scenarios_by_name() -> None:
    assert chosen(["all"]) == list(Scenario)
    assert chosen(["offline", "single-stream"]) == [Scenario.SINGLE_STREAM, Scenario.OFFLINE]
    with pytest.raises(ServingError, match="no scenario 'batch'") as caught:
        chosen(["batch"])
    assert "offline, all" in caught.value.fix
