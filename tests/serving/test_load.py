"""LiteRT under MLCommons' load generator, in a child process that may die alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.chip import MODELS
from tests.support.conversion import foreign
from tinyops.serving.errors import ServingError
from tinyops.serving.load import host_results
from tinyops.serving.load_process import LoadedModel
from tinyops.serving.scenario import Scenario

TINY = (MODELS / "tiny.tflite").read_bytes()


def test_all_scenarios_hang_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    results = host_results(TINY, Scenario, seconds=0.05, queries=20, progress=said.append)
    assert said == [one.value for one in Scenario]
    found = {one.scenario: one.value for one in results}
    assert found[Scenario.SINGLE_STREAM] > 0
    # All at once cannot be slower than one after the other by much, on however busy a machine.
    assert found[Scenario.OFFLINE] > 0.05 * 1000 / found[Scenario.SINGLE_STREAM]
    assert found[Scenario.MULTI_STREAM] == int(found[Scenario.MULTI_STREAM])
    assert {one.measured for one in results} == {"host-measured"}
    assert any("shorter than its rules ask for" in line for line in results[0].assumptions)
    assert json.dumps([one.to_dict() for one in results])
    assert list(tmp_path.iterdir()) == [], "the load generator leaves no logs behind"


@pytest.mark.parametrize("ends", [foreign.float_ends, foreign.uint8_ends])
def test_an_int8_model_with_other_ends_is_fed_their_type(ends: Callable[[bytes], bytes]) -> None:
    model = LoadedModel(ends(TINY), seed=1)
    for number in range(3):
        model.answer(number)


@pytest.mark.parametrize(
    ("model", "reason"),
    [(b"nothing", "LiteRT refuses the model"), (TINY[: len(TINY) // 2], "LiteRT")],
    ids=["no model", "truncated"],
)
def test_a_bad_model_is_an_error_of_the_child(model: bytes, reason: str) -> None:
    with pytest.raises(ServingError, match=reason):
        host_results(model, [Scenario.OFFLINE], seconds=0.05, queries=10)


def test_a_child_that_hangs_is_ended() -> None:
    with pytest.raises(ServingError, match=r"longer than 0\.2 s"):
        host_results(TINY, [Scenario.OFFLINE], seconds=60.0, timeout=0.2)


def test_a_child_that_dies_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinyops.serving.load._MEMORY_BYTES", 40 << 20)
    with pytest.raises(ServingError, match=r"with LiteRT ended with (status 1|signal SIG)"):
        host_results(TINY, [Scenario.OFFLINE], seconds=0.05, queries=10)
