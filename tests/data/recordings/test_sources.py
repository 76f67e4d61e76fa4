"""Sources: found by name, and the watch data keeps its held-out people apart until they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import seglearn.datasets

from tinyops.data.datasets.split import part_of
from tinyops.data.recordings.recording import Recording
from tinyops.data.recordings.sources import SourceError, seglearn_watch, source_for
from tinyops.data.recordings.sources.seglearn_watch import WatchDataError
from tinyops.projects import Project, load_project
from tinyops.projects.coverage import PARTS


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


def test_held_out_people_are_in_no_batch(project: Project) -> None:
    source = source_for(project)
    batches = [{r.machine_id for r in source.recordings(0, "small", batch)} for batch in range(3)]
    assert [len(batch) for batch in batches] == [6, 1, 1]
    assert len(set.union(*batches)) == 8
    assert not {"person_09", "person_10"} & set.union(*batches)
    with pytest.raises(WatchDataError, match="no more people"):
        source.recordings(0, "small", 3)


def people(recordings: Iterable[Recording]) -> set[str]:
    return {recording.machine_id for recording in recordings}


def played(stream: Iterator[Recording], series: int) -> list[Recording]:
    """The next recordings of a replay, which plays each six times in a row."""
    found = list(islice(stream, 6 * series))
    ids = [recording.recording_id for recording in found]
    assert [ids[at] for at in range(0, len(ids), 6) for _ in range(6)] == ids
    return found[::6]


def test_the_replay_is_of_known_people_until_the_world_changes(project: Project) -> None:
    source = source_for(project)
    before, after = (played(source.replay(4, changed), 84) for changed in (False, True))
    assert people(before) == people(source.recordings(0, "small"))
    assert people(after) == {"person_09", "person_10"}
    assert len({recording.recording_id for recording in before}) == 84
    assert len({recording.recording_id for recording in after}) == 28
    again = played(source.replay(4), 84)
    assert [r.fingerprint() for r in again] == [r.fingerprint() for r in before]
    other = played(source.replay(5), 84)
    assert [r.recording_id for r in other] != [r.recording_id for r in before]


def test_what_is_brought_from_the_changed_world_is_not_what_is_replayed(project: Project) -> None:
    source = source_for(project)
    brought = list(source.changed_recordings(1))
    replayed = {r.recording_id: r for r in played(source.replay(1, changed=True), 28)}
    assert len(brought) == len({r.recording_id for r in brought}) == 28
    assert {(r.machine_id, r.label) for r in brought} == {
        (person, label) for person in ("person_09", "person_10") for label in project.labels
    }
    for first in brought:
        second = replayed[first.recording_id.replace("first", "second")]
        assert first.signal.shape[1] + second.signal.shape[1] > 2 * project.signal.window
        seconds = first.signal.shape[1] / first.rate_hz
        assert second.recorded_at == first.recorded_at + timedelta(seconds=seconds)


def test_nobody_held_out_means_no_changed_world(project: Project) -> None:
    section = project.source.model_copy(update={"options": {"held_out": ""}})
    source = source_for(project.model_copy(update={"source": section}))
    assert next(source.replay(1)).machine_id
    with pytest.raises(WatchDataError, match="held_out names nobody"):
        source.replay(1, changed=True)
    with pytest.raises(WatchDataError, match="held_out names nobody"):
        source.changed_recordings(1)


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
