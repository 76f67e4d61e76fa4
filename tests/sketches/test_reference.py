"""The reference of a release: its threshold, its JSON, and what it cannot be made of."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2

from tests.support.drift_world import (
    MODEL,
    NAMES,
    SETTINGS,
    Windows,
    counts,
    reference,
    sketch_of,
    windows,
)
from tinyops.monitoring.evidence import judge_frame_set
from tinyops.sketches import estimation
from tinyops.sketches.null import Threshold
from tinyops.sketches.reference import Reference, ReferenceError, build_reference
from tinyops.sketches.sketch import SketchSpec
from tinyops.sketches.view import View

pytestmark = pytest.mark.slow

KNOWN = windows(1, range(40))
Made = tuple[SketchSpec, Reference]


@pytest.fixture(scope="module")
def known() -> Made:
    """The sketch and the reference of KNOWN, by seed 0. Both are frozen."""
    return reference(KNOWN)


@pytest.fixture
def few_replicates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten replicates of each reference instead of 300: the thresholds are rough, and only that."""
    monkeypatch.setattr(estimation, "REPLICATES", 10)


def test_json_carries_all_that_judging_takes(known: Made) -> None:
    spec, made = known
    read = Reference.from_json(made.to_json())
    assert read.to_json() == made.to_json()
    assert (read.tag, read.labels) == (spec.reference_tag(MODEL), tuple(NAMES))
    assert read.monitoring == SETTINGS
    found = counts(spec, windows(2, range(900, 1028), 1), slice(0, 128))
    ours, theirs = judge_frame_set(made, found), judge_frame_set(read, found)
    assert theirs.statistic == pytest.approx(ours.statistic, rel=1e-3)
    assert theirs.estimated_accuracy == ours.estimated_accuracy
    assert theirs.effects == ours.effects


def test_the_seed_decides_the_threshold(known: Made) -> None:
    again, other = (reference(KNOWN, seed=seed)[1] for seed in (0, 4))
    made = [each.inputs.threshold for each in (known[1], again, other)]
    assert made[0] == made[1]
    assert made[0].value != made[2].value
    assert made[0].value == pytest.approx(made[2].value, rel=0.15)


def test_with_a_reference_that_knows_it_all_the_threshold_is_that_of_chi_squared() -> None:
    settings = SETTINGS.model_copy(update={"frame_windows": 64, "false_alarm_rate": 0.002})
    great = windows(3, range(4000), 4, own=0.0)
    _, made = reference(great, settings)
    assert made.confidence is not None
    for view, size in ((made.inputs, 12), (made.confidence, 3)):
        rates = [rate for rate, _ in view.threshold.levels]
        bounds = [bound for _, bound in view.threshold.levels]
        assert rates == [0.01, 0.001], "each view has half of the rate"
        assert view.threshold.value == bounds[-1]
        # The worst of five worlds, each a little noisy, is above the quantile of one.
        assert bounds[0] == pytest.approx(chi2.isf(0.01, size), rel=0.2)
        assert bounds[1] == pytest.approx(chi2.isf(0.001, size), rel=0.25)
        assert view.threshold.p_at_most(bounds[0] + 0.01) == 0.01
        assert view.threshold.p_at_most(bounds[1] + 0.01) == 0.001
        assert view.threshold.p_at_most(bounds[0] - 0.01) == 1.0


@pytest.mark.usefixtures("few_replicates")
def test_confidence_is_watched_where_enough_machines_were_held_out(known: Made) -> None:
    few = replace(
        KNOWN, machines=np.where(KNOWN.machines > 11, KNOWN.machines * 3 + 1, KNOWN.machines)
    )
    fixed = SETTINGS.model_copy(update={"population": "fixed"})
    assert known[1].confidence is not None
    assert reference(few)[1].confidence is None
    assert reference(windows(1, range(6), 60), fixed)[1].confidence is None


def test_the_threshold_is_nearly_the_same_for_few_machines_and_for_many() -> None:
    few = reference(windows(1, range(10), 64))[1].inputs.threshold.value
    many = reference(windows(1, range(80), 8))[1].inputs.threshold.value
    assert few == pytest.approx(many, rel=0.2)


def test_expected_counts_follow_the_classes(known: Made) -> None:
    _, made = known
    for name in range(len(NAMES)):
        shares = np.eye(len(NAMES))[name]
        found = made.expected(shares, np.ones(1))
        own = made.table[0, name]
        assert found.n == len(KNOWN.labels)
        assert found.histograms.sum(axis=1).tolist() == [found.n] * 3
        assert found.confidence.sum() == found.n
        assert found.classes.tolist() == [found.n * int(at == name) for at in range(8)]
        share = own[:8] / own[:8].sum()
        assert np.abs(found.histograms[0] / found.n - share).max() < 0.01


def test_whole_counts_are_about_those_of_the_windows(known: Made) -> None:
    spec, made = known
    found = counts(spec, KNOWN, slice(None))
    assert np.abs(made.counts.histograms - found.histograms).max() < 0.03 * found.n
    assert np.abs(made.counts.histograms - found.n / 8).max() < 0.01 * found.n
    assert np.abs(made.counts.out_of_range - found.out_of_range).max() < 0.02 * found.n
    assert np.array_equal(made.counts.confidence, found.confidence)
    assert np.array_equal(made.counts.classes, found.classes)
    held_out = KNOWN.machines % 3 == 0
    assert made.confusion.sum() == held_out.sum()
    assert np.trace(made.confusion) == KNOWN.right[held_out].sum()


def test_ten_classes_share_eight_counters() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 640)
    x = rng.normal(0, 10, (640, 24))
    x[np.arange(640), labels] += 60
    x = np.clip(x, -128, 127).astype(np.int8)
    many = Windows(x, labels, np.repeat(np.arange(40), 16), x[:, :10].copy())
    spec = sketch_of(many_as_four(many))
    made = build_reference(
        spec,
        many.x,
        many.labels,
        many.machines.astype(str),
        np.full(640, "first"),
        np.full(640, "test"),
        many.logits,
        many.confidences,
        SETTINGS,
        [f"c{number}" for number in range(10)],
        MODEL,
    )
    assert made.class_names == ("c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7 or c8 or c9")
    assert made.counts.classes[7] == pytest.approx(192, abs=60)
    assert not judge_frame_set(made, counts(spec, many, np.arange(0, 640, 5))).drifted


def many_as_four(found: Windows) -> Windows:
    return replace(found, labels=found.labels % 4, logits=found.logits[:, :4].copy())


def test_a_reference_without_held_out_windows_is_refused() -> None:
    learnt = replace(KNOWN, machines=KNOWN.machines * 3 + 1)
    with pytest.raises(ReferenceError, match="no validation or test window"):
        reference(learnt)


@pytest.mark.usefixtures("few_replicates")
def test_a_confidence_that_never_varies_is_not_watched() -> None:
    # Seen with a model of one class: "T² 0.0 is above 0.0" for every frame set.
    sure = replace(KNOWN, logits=np.full_like(KNOWN.logits, -128))
    sure.logits[np.arange(len(sure.labels)), sure.labels] = 127
    made = reference(sure)[1]
    assert made.confidence is None
    assert made.inputs.weakness() == ""


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        (1.9e-10, "hardly differ"),
        (11.9, "hardly differ"),
        (float("nan"), "hardly differ"),
        (1e9, "more than any drift"),
    ],
)
def test_a_threshold_that_tells_nothing_is_named(known: Made, limit: float, reason: str) -> None:
    view = known[1].inputs
    assert view.weakness() == ""
    bound = Threshold(((0.01, limit),), "class 0", 1)
    assert reason in replace(view, threshold=bound).weakness()


@pytest.mark.usefixtures("few_replicates")
def test_windows_that_tell_nothing_make_no_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(View, "weakness", lambda _: "they hardly differ")
    with pytest.raises(ReferenceError, match="cannot judge: they hardly differ"):
        reference(KNOWN)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", '{"tag": 1}', b"\xff\xfe"],
    ids=["empty", "list", "no keys", "null", "few keys", "not text"],
)
def test_what_is_no_reference_is_refused_by_name(text: str | bytes) -> None:
    with pytest.raises(ReferenceError, match=r"reference\.json"):
        Reference.from_json(text)


@pytest.mark.parametrize("key", ["inputs", "confidence", "monitoring", "calibration"])
def test_a_reference_with_a_wrong_part_is_refused(known: Made, key: str) -> None:
    content = json.loads(known[1].to_json())
    with pytest.raises(ReferenceError, match=r"reference\.json"):
        Reference.from_json(json.dumps(content | {key: {"levels": 3}}))


@pytest.mark.usefixtures("few_replicates")
def test_the_largest_reference_stays_small() -> None:
    settings = SETTINGS.model_copy(update={"population": "fixed", "false_alarm_rate": 0.1})
    _, made = reference(windows(1, range(16), 40), settings)
    assert len(made.inputs.conditions) == 16
    assert len(made.to_json()) < 200_000
