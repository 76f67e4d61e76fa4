"""What needs no training run: recipes, variation, figures and the champion's rules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score

from tinyops.data.recordings.recording import Recording
from tinyops.data.recordings.sources import generate
from tinyops.frontend import from_project, to_counts
from tinyops.projects import load_project, project_names
from tinyops.projects.schema import Objective, Training
from tinyops.training.augment import augmenter
from tinyops.training.comparison import Comparison, Pair, comparison_metrics
from tinyops.training.evaluate import Evaluation, evaluate, macro_f1
from tinyops.training.int8_loss import Int8Loss, PartLoss
from tinyops.training.models import BUILDERS
from tinyops.training.recipe import Recipe, TrainingError, recipe_of
from tinyops.training.verdict import headline, judge
from tinyops.training.windows import golden_windows, windows_of


def int8_loss(lost: float) -> Int8Loss:
    part = PartLoss("all", 100, 90, 0, 0)
    return Int8Loss(100, lost, lost, (part,), {}, (part,), None)


def figures(score: float) -> Evaluation:
    return Evaluation(10, score, score, {}, "m", score, [])


def test_unknown_option_names_itself() -> None:
    with pytest.raises(TrainingError, match="widht"):
        recipe_of(Training(options={"widht": 3}))
    with pytest.raises(TrainingError, match="width"):
        recipe_of(Training(options={"width": "wide"}))
    assert recipe_of(Training(options={"warp": 0, "width": 16})).width == 16


@pytest.mark.parametrize("name", project_names())
def test_a_projects_recipe_is_what_its_file_says(name: str) -> None:
    training = load_project(name).training
    said = training.model_dump()
    recipe = vars(recipe_of(training))
    assert {key: recipe[key] for key in said.keys() - {"options"}} == {
        key: value for key, value in said.items() if key != "options"
    }
    assert training.options.items() <= recipe.items()
    # A builder of that name is there.
    assert recipe["model"] in BUILDERS


@pytest.mark.parametrize(
    ("floating", "int8", "champion", "status"),
    [
        (0.95, 0.95, None, "first"),
        (0.95, 0.945, 0.95, "better"),
        (0.95, 0.93, None, "worse"),
        (0.89, 0.89, None, "worse"),
        (0.95, 0.95, 0.97, "worse"),
    ],
)
def test_verdict(floating: float, int8: float, champion: float | None, status: str) -> None:
    objective = Objective(minimum=0.9, allowed_regression=0.01, int8_loss=0.01)
    whole = Pair(figures(int8), figures(champion)) if champion else None
    comparison = Comparison(whole, None, None) if whole else None
    verdict = judge(objective, figures(int8), int8_loss(floating - int8), comparison)
    assert verdict.status == status
    assert bool(verdict.reason) == (status == "worse")


@pytest.mark.parametrize(("old", "status"), [(0.93, "better"), (0.90, "worse")])
def test_what_the_champion_knew_may_not_be_forgotten(old: float, status: str) -> None:
    objective = Objective(minimum=0.5, allowed_regression=0.01, allowed_forgetting=0.03)
    comparison = Comparison(
        whole=Pair(figures(0.9), figures(0.7)),
        old=Pair(figures(old), figures(0.95)),
        new=Pair(figures(0.9), figures(0.4)),
    )
    verdict = judge(objective, figures(0.9), int8_loss(0.0), comparison)
    assert verdict.status == status
    assert ("it forgets" in verdict.reason) == (status == "worse")
    metrics = comparison_metrics(comparison, "macro_f1")
    assert metrics["old_test"]["forgetting"] == pytest.approx(0.95 - old)
    assert metrics["new_condition"]["champion"]["accuracy"] == 0.4
    told = headline(objective, figures(0.9), figures(0.9), comparison)
    assert told["forgetting"] == pytest.approx(0.95 - old)


def test_macro_f1_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    labels, guesses = rng.integers(0, 4, 200), rng.integers(0, 3, 200)
    assert macro_f1(labels, guesses, 4) == pytest.approx(f1_score(labels, guesses, average="macro"))
    groups = np.where(np.arange(200) < 50, "a", "b")
    guesses[50:] = labels[50:]
    found = evaluate(labels, guesses, groups, ["w", "x", "y", "z"])
    assert found.worst_group == "a"
    assert np.sum(found.confusion) == 200


def test_a_class_that_is_absent_counts_as_nothing() -> None:
    labels = np.array([1, 1, 2, 2])
    names = ["normal", "inner", "outer"]
    groups = np.array(["a", "a", "b", "b"])
    assert macro_f1(labels, labels, 3) == pytest.approx(2 / 3)
    found = evaluate(labels, labels, groups, names)
    assert found.macro_f1 == pytest.approx(2 / 3)
    assert found.per_class == {"normal": 0.0, "inner": 1.0, "outer": 1.0}
    # Each machine has one class: what it has is told right.
    assert found.worst_group_f1 == 1.0
    assert evaluate(labels, labels, groups, names, of_present=True).macro_f1 == 1.0


def test_windows_stay_with_their_recording() -> None:
    project = load_project("motor_health")
    frontend = from_project(project.frontend, project.signal)
    recordings = list(generate(project, 2, machines=2, seconds=1.0))
    plain, dense = (windows_of(recordings, project, frontend, overlap) for overlap in (1, 4))
    assert len(plain) == 8 * 2
    assert len(dense) == 8 * 6
    assert plain.counts(project.labels) == dict.fromkeys(project.labels, 4)
    assert set(plain.recordings) == {one.recording_id for one in recordings}
    unlabelled = [replace_label(recording) for recording in recordings]
    with pytest.raises(TrainingError, match="no labelled"):
        windows_of(unlabelled, project, frontend)


def replace_label(recording: Recording) -> Recording:
    return replace(recording, label=None)


def test_golden_windows_take_classes_in_turn() -> None:
    project = load_project("motor_health")
    recordings = list(generate(project, 2, machines=1, seconds=1.0))
    windows, labels = golden_windows(recordings, project)
    assert sorted(labels.tolist()) == [0, 0, 1, 1, 2, 2, 3, 3]
    counts = to_counts(recordings[0].signal, project.signal.full_scale)
    assert np.array_equal(windows[0], counts[8192:16384])


def test_variation_keeps_what_it_should() -> None:
    project = load_project("motor_health")
    spec = from_project(project.frontend, project.signal).spec
    rng = np.random.default_rng(0)
    batch = rng.standard_normal((5, *spec.output_shape)).astype(np.float32)
    varied = augmenter(spec, Recipe(shuffle=True, warp=0.2))(batch, rng)
    assert varied.dtype == np.float32
    assert np.array_equal(varied[..., -1], batch[..., -1])
    assert not np.array_equal(varied, batch)
    swapped = augmenter(spec, Recipe(shuffle=True))(batch, rng)
    assert np.array_equal(np.sort(swapped[..., :-2], axis=3), np.sort(batch[..., :-2], axis=3))
    mixed = augmenter(spec, Recipe(mix=1.0), healthy=batch[:1])(batch, rng)
    assert (mixed[..., :-2] > batch[..., :-2]).all()
    assert np.array_equal(mixed[..., -2:], batch[..., -2:])
    assert np.array_equal(augmenter(spec, Recipe())(batch, rng), batch)


def test_turned_sensor_measures_the_same_length() -> None:
    project = load_project("exercise_watch")
    spec = from_project(project.frontend, project.signal).spec
    rng = np.random.default_rng(0)
    batch = rng.standard_normal((5, *spec.output_shape)).astype(np.float32)
    varied = augmenter(spec, Recipe(rotate=30.0, mirror=0.5))(batch, rng)
    for first in (0, 3):
        before, after = (
            np.linalg.norm(maps[..., first : first + 3], axis=3) for maps in (batch, varied)
        )
        assert np.allclose(before, after, atol=1e-4)


def test_windows_know_the_objectives_slices() -> None:
    project = load_project("exercise_watch")
    sliced = project.objective.model_copy(update={"slices": ["condition:side", "condition:mood"]})
    project = project.model_copy(update={"objective": sliced})
    frontend = from_project(project.frontend, project.signal)
    recordings = list(generate(load_project("motor_health"), 2, machines=1, seconds=1.0))
    shape = (len(project.signal.channels), 2 * project.signal.window)
    made = [
        replace(
            one,
            label=project.labels[0],
            channels=tuple(project.signal.channels),
            signal=np.zeros(shape, np.float32),
            conditions={"side": side},
        )
        for one, side in zip(recordings, ("left", "right"), strict=False)
    ]
    found = windows_of(made, project, frontend)
    assert found.conditions["condition:side"].tolist() == ["left"] * 3 + ["right"] * 3
    assert set(found.conditions["condition:mood"]) == {"none"}
