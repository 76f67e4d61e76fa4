"""Labels that were flipped come out on top, on blobs, on simulated motors and on real bearings."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.shared_data import shared
from tinyops.frontend import from_project
from tinyops.projects import load_project
from tinyops.training.label_quality import (
    FOLDS,
    LabelQuality,
    confident_joint,
    label_quality,
    normalised_margin,
)
from tinyops.training.recipe import TrainingError
from tinyops.training.windows import WindowSet

pytestmark = pytest.mark.slow

NAMES = ["a", "b", "c", "d"]


def flipped(
    truth: NDArray[np.int64], share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Labels of which a share is wrong, and which those are."""
    generator = np.random.default_rng(seed)
    wrong = generator.choice(len(truth), round(share * len(truth)), replace=False)
    labels = truth.copy()
    labels[wrong] = (truth[wrong] + generator.integers(1, len(NAMES), len(wrong))) % len(NAMES)
    return labels, wrong


def blobs(recordings: int, windows: int = 3, seed: int = 0) -> tuple[WindowSet, NDArray[np.int64]]:
    """Four clusters in eight dimensions; several windows a recording, ten machines."""
    generator = np.random.default_rng(seed)
    truth = np.arange(recordings) % len(NAMES)
    centres = generator.normal(0, 40, (len(NAMES), 8))
    owner = np.repeat(np.arange(recordings), windows)
    noise = generator.normal(0, 15, (len(owner), 8))
    features = np.clip(centres[truth[owner]] + noise, -128, 127).astype(np.int8)
    names = np.array([f"r{number:04d}" for number in owner])
    groups = np.array([f"m{number % 10}" for number in owner])
    return WindowSet(features, truth[owner], groups, names), truth


def share_found(quality: LabelQuality, wrong: NDArray[np.int64], top: float) -> float:
    """Of the wrong labels, how many are in the top share of the ranking."""
    named = {one.recording for one in quality.suspects[: round(top * len(quality.suspects))]}
    return sum(f"r{number:04d}" in named for number in wrong) / len(wrong)


def test_flipped_labels_come_out_on_top() -> None:
    windows, truth = blobs(400)
    labels, wrong = flipped(truth, 0.05, seed=1)
    owner = np.unique(windows.recordings, return_inverse=True)[1]
    noisy = WindowSet(windows.features, labels[owner], windows.groups, windows.recordings)
    quality = label_quality(noisy, NAMES)
    assert share_found(quality, wrong, 0.10) >= 0.8
    assert quality.noise == pytest.approx(0.05, abs=0.02)
    assert quality.held_out == "groups"
    right = {f"r{number:04d}": NAMES[truth[number]] for number in wrong}
    said = {one.recording: one.suggested for one in quality.suspects if one.recording in right}
    agreeing = sum(said[name] == label for name, label in right.items())
    assert agreeing >= 0.9 * len(right), "what it suggests is what the label was"
    assert label_quality(noisy, NAMES).suspects == quality.suspects, "it can be repeated"


def test_labels_without_errors_are_left_in_peace() -> None:
    quality = label_quality(blobs(200)[0], NAMES)
    assert quality.noise < 0.01
    assert sum(one.confident for one in quality.suspects) <= 2


def test_few_machines_a_class_are_judged_by_recording() -> None:
    windows, truth = blobs(80)
    owner = np.unique(windows.recordings, return_inverse=True)[1]
    groups = np.array([f"rig-{NAMES[truth[number]]}" for number in owner])
    few = WindowSet(windows.features, windows.labels, groups, windows.recordings)
    assert label_quality(few, NAMES).held_out == "recordings"


def test_a_class_with_too_few_recordings_is_named() -> None:
    windows, _ = blobs(4 * (FOLDS - 1))
    with pytest.raises(TrainingError, match=f"class a has {FOLDS - 1} recordings"):
        label_quality(windows, NAMES)


def test_the_confident_joint_is_that_of_the_paper() -> None:
    # Thresholds: class 0 (0.9 + 0.2 + 0.7) / 3 = 0.6, class 1 (0.8 + 0.6) / 2 = 0.7.
    first = np.array([0.9, 0.2, 0.7, 0.2, 0.4])
    probabilities = np.stack([first, 1 - first], axis=1)
    labels = np.array([0, 0, 0, 1, 1])
    suggested, other, joint = confident_joint(probabilities, labels)
    assert suggested.tolist() == [1, 1, 1, 0, 0]
    assert other.tolist() == [False, True, False, False, False]
    # Of label 0 two are counted to 0 and one to 1; of label 1 only one is certain: scaled to two.
    assert joint.tolist() == [[2, 1], [0, 2]]
    margins = normalised_margin(probabilities, labels)
    np.testing.assert_allclose(margins, [0.8, -0.6, 0.4, 0.6, 0.2])


def test_real_bearings_with_one_label_in_twenty_flipped() -> None:
    folder = shared("data/uestc")
    project = load_project("motor_health")
    frontend = from_project(project.frontend, project.signal)
    raw, truth, groups = [], [], []
    for rpm in (800, 1000):
        data = np.load(folder / f"uestc_{rpm}rpm.npz")
        for name in np.unique(data["source_file"]):
            rows = np.flatnonzero(data["source_file"] == name)
            rows = rows[np.argsort(data["start"][rows])]
            counts = data["signal"][rows].reshape(-1, 1)
            whole = len(counts) // project.signal.window
            windows = counts[: whole * project.signal.window].reshape(whole, -1, 1)[:20]
            raw.append(frontend.run(windows))
            truth += [project.labels.index(str(data["label"][rows[0]]))] * len(windows)
            groups += [str(name)] * len(windows)
    labels, wrong = flipped(np.array(truth), 0.05, seed=1)
    names = np.array([f"r{number:04d}" for number in range(len(labels))])
    quality = label_quality(
        WindowSet(np.concatenate(raw), labels, np.array(groups), names), project.labels
    )
    assert share_found(quality, wrong, 0.10) >= 0.8
