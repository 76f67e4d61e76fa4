"""Features on the disk: the same as computed in memory, computed once, bounded, whole or not."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tinyops.data.datasets.dataset import Dataset, open_dataset
from tinyops.data.ingest.batch import publish_batch
from tinyops.data.ingest.ingest import ingest_batch
from tinyops.data.recordings.sources import generate
from tinyops.frontend import Frontend, from_project
from tinyops.projects import Project, load_project
from tinyops.projects.coverage import PARTS
from tinyops.store import Store
from tinyops.training.feature_cache import Share, training_steps, windows_at
from tinyops.training.recipe import TrainingError, recipe_of
from tinyops.training.windows import WindowSet, windows_of

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class World:
    """A dataset of sixteen short machines, and its cache."""

    project: Project
    frontend: Frontend
    data: Dataset
    cache: Path

    def sets(self) -> dict[Share, WindowSet]:
        """The cache's windows for training."""
        return windows_at(self.data, self.project, self.frontend, self.steps)

    @property
    def steps(self) -> dict[Share, int]:
        """Those of the project's recipe."""
        return training_steps(self.project, recipe_of(self.project.training))


@pytest.fixture
def world(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("TINYOPS_CACHE", str(tmp_path / "cache"))
    full = load_project("motor_health")
    project = full.model_copy(
        update={
            "signal": full.signal.model_copy(update={"window": 2048, "hop": 1024}),
            "split": full.split.model_copy(update={"salt": "3"}),
            "objective": full.objective.model_copy(update={"slices": ["condition:load"]}),
        }
    )
    publish_batch(store, project, "b", generate(project, 1, machines=12, seconds=0.5))
    data = open_dataset(store, project, str(ingest_batch(store, project, "b")["dataset"]))
    frontend = from_project(project.frontend, project.signal)
    return World(project, frontend, data, tmp_path / "cache" / "features")


def same(found: WindowSet, wanted: WindowSet) -> None:
    assert found.features.dtype == np.int8
    assert np.array_equal(found.features, wanted.features)
    for name in ("labels", "groups", "recordings"):
        assert np.array_equal(getattr(found, name), getattr(wanted, name)), name
    assert found.conditions.keys() == wanted.conditions.keys() == {"condition:load"}
    for key, values in wanted.conditions.items():
        assert np.array_equal(found.conditions[key], values)


def test_windows_are_those_computed_in_memory(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, project, frontend = world.data, world.project, world.frontend
    assert world.steps == {"train": 512, "validation": 1024, "test": 1024}
    monkeypatch.setattr("tinyops.training.feature_cache._WINDOWS_AT_ONCE", 3)
    first = world.sets()
    for part, overlap in zip(PARTS, (2, 1, 1), strict=True):
        same(first[part], windows_of(data.recordings(part), project, frontend, overlap))
    every = windows_at(data, project, frontend, {"all": 1024})["all"]
    same(every, windows_of(data.recordings(), project, frontend))
    signal = project.signal.model_copy(update={"hop": 2048})
    apart = project.model_copy(update={"signal": signal})
    found = windows_at(data, project, frontend, {"test": 2048})["test"]
    same(found, windows_of(data.recordings("test"), apart, frontend))
    # Nothing is read a second time.
    monkeypatch.setattr(Dataset, "recordings", None)
    for part, found in world.sets().items():
        same(found, first[part])
    assert not first["train"].features.flags.writeable


def test_another_question_is_another_set(world: World) -> None:
    world.sets()
    assert len(list(world.cache.iterdir())) == 3
    louder = world.project.model_copy(
        update={"signal": world.project.signal.model_copy(update={"full_scale": [250.0]})}
    )
    steps = {"test": 1024}
    found = windows_at(world.data, louder, world.frontend, steps)["test"]
    assert not np.array_equal(found.features, world.sets()["test"].features)
    assert len(list(world.cache.iterdir())) == 4


def test_a_killed_run_leaves_nothing_wrong(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        """As a signal would end it."""

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        # What a process leaves that has no time to tidy up.
        patch.setattr("tempfile.TemporaryDirectory._rmtree", lambda *_, **__: None)
        patch.setattr("tinyops.training.feature_cache._rename", killed)
        with pytest.raises(Killed):
            world.sets()
    [left] = world.cache.iterdir()
    assert left.name.startswith("making-")
    left = world.cache / "making-of-a-killed-run"
    (left / "train").mkdir(parents=True)
    (left / "train" / "features.i8").write_bytes(b"half")
    assert len(world.sets()["train"]) > 0
    assert left.exists(), "it may be at work"
    yesterday = time.time() - 90_000
    os.utime(left, (yesterday, yesterday))
    world.sets()
    assert not left.exists()


def test_the_disk_is_not_filled(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.sets()
    before = {path.name for path in world.cache.iterdir()}
    monkeypatch.setattr("tinyops.training.feature_cache.CACHE_BYTES", 0)
    found = windows_at(world.data, world.project, world.frontend, {"all": 1024})["all"]
    [kept] = world.cache.iterdir()
    assert kept.name not in before
    assert len(found) > 0


def test_a_share_without_windows_is_named(world: World) -> None:
    signal = world.project.signal.model_copy(update={"window": 1 << 20})
    project = world.project.model_copy(update={"signal": signal})
    with pytest.raises(TrainingError, match="no labelled window of 1048576 samples"):
        windows_at(world.data, project, world.frontend, {"test": 1024})
