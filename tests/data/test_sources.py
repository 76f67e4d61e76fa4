"""Sources: found by name, and the watch data keeps its held-out people apart."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import seglearn.datasets

from tinyops.data.sources import SourceError, seglearn_watch, source_for
from tinyops.data.sources.seglearn_watch import WatchDataError
from tinyops.data.split import PARTS, part_of
from tinyops.projects import Project, load_project


@pytest.fixture
def project() -> Project:
    return load_project("exercise_watch")


def test_unknown_source_names_the_known(project: Project) -> None:
    source = project.source.model_copy(update={"kind": "nothing"})
    with pytest.raises(SourceError, match="seglearn_watch"):
        source_for(project.model_copy(update={"source": source}))


def test_watch_recordings_are_whole_and_real(project: Project) -> None:
    recordings = list(source_for(project).recordings(0, "full"))
    assert len(recordings) == 8 * 14
    assert {recording.label for recording in recordings} == set(project.labels)
    first = recordings[0]
    assert first.channels == tuple(project.signal.channels)
    assert first.unit == project.signal.unit
    assert first.conditions["simulated"] == "false"
    gravity = np.median([np.linalg.norm(r.signal[:3].mean(axis=1)) for r in recordings])
    assert 0.5 < gravity < 1.2  # acceleration is in g


def test_held_out_people_are_only_in_the_replay(project: Project) -> None:
    source = source_for(project)
    batches = [{r.machine_id for r in source.recordings(0, "small", batch)} for batch in range(3)]
    assert [len(batch) for batch in batches] == [6, 1, 1]
    assert len(set.union(*batches)) == 8
    replayed = {r.machine_id for r in islice(source.replay(0), 28)}
    assert replayed == {"person_09", "person_10"}
    assert not replayed & set.union(*batches)
    with pytest.raises(WatchDataError, match="no more people"):
        source.recordings(0, "small", 3)


@pytest.mark.parametrize("size", ["small", "full"])
def test_every_class_in_every_part(project: Project, size: str) -> None:
    found = {
        (part_of(recording.machine_id, project.split), recording.label)
        for recording in source_for(project).recordings(0, size)
    }
    assert found == {(part, label) for part in PARTS for label in project.labels}


def test_another_file_is_not_unpickled(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "watch_dataset.npy").write_bytes(b"something else")
    monkeypatch.setattr(seglearn.datasets, "__file__", str(tmp_path / "datasets.py"))
    monkeypatch.setattr(seglearn_watch, "_series", seglearn_watch._series.__wrapped__)
    with pytest.raises(WatchDataError, match="not opened"):
        list(source_for(project).recordings(0))
