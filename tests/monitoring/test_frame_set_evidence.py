"""Frame sets against a reference: false alarms at the stated rate, drift, and what is no drift."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from tests.support.drift_world import NAMES, SETTINGS, Windows, counts, reference, windows
from tinyops.errors import TinyOpsError
from tinyops.monitoring.evidence import judge_frame_set
from tinyops.sketches.reference import Reference
from tinyops.sketches.sketch import SketchSpec

pytestmark = pytest.mark.slow

SET = SETTINGS.set_windows
Made = tuple[SketchSpec, Reference]


@pytest.fixture(scope="module")
def known() -> Made:
    strict = SETTINGS.model_copy(update={"false_alarm_rate": 0.001})
    return reference(windows(1, range(40)), strict)


def alarms(made: Made, found: Windows, sets: int, seed: int = 0) -> int:
    """Alarms in so many sets; each draws its windows without replacement."""
    rng = np.random.default_rng(seed)
    rows = [rng.permutation(len(found.labels))[:SET] for _ in range(sets)]
    return sum(judge_frame_set(made[1], counts(made[0], found, each)).drifted for each in rows)


@pytest.mark.parametrize("own", [0.0, 6.0], ids=["independent windows", "windows in machines"])
def test_false_alarms_come_at_the_stated_rate(own: float) -> None:
    """Ten references, each of 40 machines; every set meets 128 other machines, each once."""
    found = 0
    for seed in range(10):
        first = 10_000 * (seed + 1)
        made = reference(windows(seed, range(first, first + 40), own=own), seed=seed)
        fresh = windows(seed + 100, range(first + 100, first + 100 + 50 * SET), 1, own=own)
        for turn in range(50):
            rows = slice(turn * SET, (turn + 1) * SET)
            found += judge_frame_set(made[1], counts(made[0], fresh, rows)).drifted
    assert found <= binom.ppf(0.999, 500, SETTINGS.false_alarm_rate)


@pytest.mark.parametrize("share", [0.2, 0.5, 1.0])
def test_more_of_a_class_that_the_model_knows_is_no_drift(known: Made, share: float) -> None:
    """Also not where the model takes some of its windows for another class."""
    for label in range(len(NAMES)):
        some = windows(5, range(3000, 5000), 1, labels=(label,))
        others = windows(6, range(5000, 7000), 1)
        rng = np.random.default_rng(label)
        mine = round(share * SET)
        raised = 0
        for _ in range(25):
            parts = [rng.choice(2000, mine, False), rng.choice(2000, SET - mine, False)]
            mixed = Windows(
                *(
                    np.concatenate([getattr(some, name)[parts[0]], getattr(others, name)[parts[1]]])
                    for name in ("x", "labels", "machines", "logits")
                )
            )
            raised += judge_frame_set(known[1], counts(known[0], mixed, slice(None))).drifted
        assert raised <= binom.ppf(0.999, 25, 0.02)


@pytest.mark.parametrize(
    ("change", "least"),
    [({"shift": 8.0}, 18), ({"shift": -8.0}, 18), ({"spread": 1.3}, 20), ({"spread": 0.75}, 20)],
    ids=["up", "down", "wider", "narrower"],
)
def test_a_changed_world_is_found(known: Made, change: dict[str, float], least: int) -> None:
    assert alarms(known, windows(7, range(3000, 5000), 1, **change), 20) >= least


def test_evidence_says_what_moved_and_how_far(known: Made) -> None:
    found = counts(known[0], windows(8, range(3000, 3128), 1, spread=1.5), slice(None))
    evidence = judge_frame_set(known[1], found)
    assert evidence.drifted
    assert evidence.watched == "inputs"
    assert evidence.statistic > evidence.threshold == known[1].inputs.threshold.value
    assert evidence.p == evidence.false_alarm_rate == 0.001
    assert {(each.feature, each.how) for each in evidence.moved} >= {
        ("rest of the distance", "higher"),
    }
    assert abs(evidence.moved[0].z) == max(abs(each.z) for each in evidence.moved)
    assert evidence.effects[2].psi == max(each.psi for each in evidence.effects)


def test_a_model_that_is_less_sure_is_found_though_features_stay(known: Made) -> None:
    found = windows(11, range(3000, 3128), 1)
    unsure = replace(found, logits=(found.logits // 2).astype(np.int8))
    before, after = (
        judge_frame_set(known[1], counts(known[0], each, slice(None))) for each in (found, unsure)
    )
    assert not before.drifted
    assert after.drifted
    assert after.watched == "confidence"
    assert ("confidence", "lower") in {(each.feature, each.how) for each in after.moved}
    assert after.estimated_accuracy.value < before.estimated_accuracy.value


def test_one_class_alone_is_named(known: Made) -> None:
    found = windows(9, range(3000, 4000), 1, labels=(2,))
    pure = np.flatnonzero(found.logits.argmax(axis=1) == 2)[:SET]
    evidence = judge_frame_set(known[1], counts(known[0], found, pure))
    assert evidence.only_class == NAMES[2]
    mixed = judge_frame_set(
        known[1], counts(known[0], windows(9, range(3000, 3128), 1), slice(None))
    )
    assert mixed.only_class == ""


def test_new_meanings_of_the_same_inputs_are_not_seen(known: Made) -> None:
    found = windows(10, range(3000, 3128), 1)
    swapped = found.relabelled((found.labels + 1) % len(NAMES))
    before, after = (
        judge_frame_set(known[1], counts(known[0], each, slice(None))) for each in (found, swapped)
    )
    assert before.statistic == after.statistic
    assert after.estimated_accuracy.value > 0.8 > swapped.right.mean()


class TestTwoBatches:
    """An open population in two worlds: before and after machines were set to another speed."""

    @pytest.fixture(scope="class")
    def both(self) -> Made:
        strict = SETTINGS.model_copy(update={"false_alarm_rate": 0.001})
        parts = [windows(1, range(40)), windows(2, range(40, 80), shift=15.0)]
        names = ("x", "labels", "machines", "logits")
        joined = Windows(*(np.concatenate([getattr(part, n) for part in parts]) for n in names))
        batches = np.repeat(["first", "second"], [len(part.labels) for part in parts])
        return reference(joined, strict, batches)

    def test_each_is_a_condition(self, both: Made) -> None:
        assert both[1].inputs.conditions == ("first", "second")

    @pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
    def test_either_and_any_mixture_is_no_drift(self, both: Made, share: float) -> None:
        rng = np.random.default_rng(3)
        worlds = [windows(4, range(3000, 5000), 1), windows(5, range(5000, 7000), 1, shift=15.0)]
        raised, weights = 0, []
        for _ in range(25):
            second = round(share * SET)
            rows = rng.choice(2000, SET, False)
            halves = (worlds[0], rows[second:]), (worlds[1], rows[:second])
            mixed = Windows(
                *(
                    np.concatenate([getattr(part, name)[own] for part, own in halves])
                    for name in ("x", "labels", "machines", "logits")
                )
            )
            evidence = judge_frame_set(both[1], counts(both[0], mixed, slice(None)))
            raised += evidence.drifted
            weights.append(evidence.conditions["second"])
        assert raised <= binom.ppf(0.999, 25, 0.02)
        assert np.mean(weights) == pytest.approx(share, abs=0.1)

    def test_a_third_world_is_drift(self, both: Made) -> None:
        assert alarms(both, windows(6, range(3000, 5000), 1, shift=-12.0), 20) >= 18


class TestPeople:
    """A fixed population: five people, each very much themselves."""

    @pytest.fixture(scope="class")
    def people(self) -> Made:
        settings = SETTINGS.model_copy(update={"population": "fixed"})
        return reference(windows(1, range(5), 120, own=14.0), settings)

    def test_everybody_is_a_condition(self, people: Made) -> None:
        assert people[1].inputs.conditions == ("0", "1", "2", "3", "4")

    @pytest.mark.parametrize("who", [[0], [3], [1, 2], [0, 1, 2, 3, 4]])
    def test_whoever_is_known_is_no_drift(self, people: Made, who: list[int]) -> None:
        fresh = windows(2, np.array(who), 2000 // len(who), own=14.0)
        assert alarms(people, fresh, 40) <= binom.ppf(0.999, 40, 0.02)

    def test_a_new_person_is_drift(self, people: Made) -> None:
        assert alarms(people, windows(3, range(77, 78), 1000, own=14.0), 20) >= 18


def test_a_set_of_another_size_is_refused(known: Made) -> None:
    found = counts(known[0], windows(8, range(3000, 3100), 1), slice(None))
    with pytest.raises(TinyOpsError, match="100 windows"):
        judge_frame_set(known[1], found)


def test_a_class_that_the_model_does_not_have_is_refused(known: Made) -> None:
    found = counts(known[0], windows(8, range(3000, 3128), 1), slice(None))
    strange = replace(found, classes=np.roll(found.classes, 3))
    with pytest.raises(TinyOpsError, match="the 4 classes"):
        judge_frame_set(known[1], strange)
