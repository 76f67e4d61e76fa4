"""Evidence about a released model: labelled recordings that it has not learnt from.

Two kinds count: audits given after the release, of recordings that its training part does not hold,
and recordings that came in batches after its dataset. Other labels were asked for because something
was wrong there, and would make the model look worse than it is.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyops.data.datasets.dataset import Dataset, current_version, open_dataset
from tinyops.data.labels.labels import accepted_sets, newest_labels
from tinyops.projects import Project, load_project
from tinyops.store import Store, content_id, layout
from tinyops.training.released import ReleasedModel


@dataclass(frozen=True)
class LabelledRecording:
    """One recording, its newest label, and what the model says of each of its windows.

    Parameters
    ----------
    source, at
        Who gave the label and when; "batch" and "" for the one that it came with.
    predictions, confidences_q8, correct
        Of each window: class, confidence in 1/256, whether the class is the label.
    """

    recording_id: str
    label: str
    source: str
    at: str
    predictions: list[str] = field(default_factory=list)
    confidences_q8: list[int] = field(default_factory=list)
    correct: list[bool] = field(default_factory=list)


@dataclass(frozen=True)
class LabelEvidence:
    """All labelled windows about one release; `uri` is the JSON that holds them."""

    release: str
    uri: str
    recordings: tuple[LabelledRecording, ...]

    @property
    def confidences(self) -> NDArray[np.uint8]:
        """[n], in 1/256."""
        return np.array([q8 for one in self.recordings for q8 in one.confidences_q8], np.uint8)

    @property
    def correct(self) -> NDArray[np.bool_]:
        """[n], whether the model is right."""
        return np.array([right for one in self.recordings for right in one.correct], np.bool_)

    @property
    def predictions(self) -> NDArray[np.str_]:
        """[n], class names."""
        return np.array([name for one in self.recordings for name in one.predictions], np.str_)

    @property
    def labels(self) -> NDArray[np.str_]:
        """[n], class names."""
        return np.array([one.label for one in self.recordings for _ in one.correct], np.str_)

    @property
    def recording_ids(self) -> NDArray[np.str_]:
        """[n], the recording of each window."""
        return np.array([one.recording_id for one in self.recordings for _ in one.correct], np.str_)


def labelled_windows(store: Store, project: Project | str, release: str) -> LabelEvidence:
    """What labels say of a release's model; the model runs once for the same labels.

    Raises
    ------
    ObjectMissing
        There is no such release.
    """
    project = load_project(project) if isinstance(project, str) else project
    manifest = store.get_json(layout.release_manifest(project.name, release))
    trained = open_dataset(store, project, manifest["dataset"])
    now = open_dataset(store, project, current_version(store, project) or trained.version)
    covered = _covered(store, trained, now, datetime.fromisoformat(manifest["created"]))
    name = content_id([asdict(one) for one in covered])
    key = layout.labelled(project.name, release, name)
    content: dict[str, Any] | None = store.get_json_or(key, None)
    if content is None:
        decided = _decided(store, project, release, now, covered)
        content = {"release": release, "recordings": [asdict(one) for one in decided]}
        store.put_json(key, content)
    rows = [LabelledRecording(**row) for row in content["recordings"]]
    return LabelEvidence(release, store.uri(key), tuple(rows))


def _covered(
    store: Store, trained: Dataset, now: Dataset, released: datetime
) -> list[LabelledRecording]:
    """The recordings that are evidence with the labels that count, sorted."""
    sets = accepted_sets(store, now.manifest["project"])
    newest = newest_labels(sets)
    audited = {
        row.recording_id
        for one in sets.values()
        if one.source == "audit" and one.at > released
        for row in one.labels
    }
    known = {row.recording_id for row in trained.index()}
    found = []
    for row in now.index():
        name = row.recording_id
        if name in known and (name not in audited or trained.part_of(row) == "train"):
            continue
        if word := newest.get(name):
            at = word.at.isoformat()
            found.append(LabelledRecording(name, word.label, word.source, at))
        else:
            found.append(LabelledRecording(name, row.label, "batch", ""))
    return sorted(found, key=lambda one: one.recording_id)


def _decided(
    store: Store,
    project: Project,
    release: str,
    dataset: Dataset,
    covered: list[LabelledRecording],
) -> list[LabelledRecording]:
    if not covered:
        return []
    names = {one.recording_id for one in covered}
    model = ReleasedModel.load(store, project, release)
    said = model.decide(dataset.recordings(only=names))
    return [
        LabelledRecording(
            recording_id=one.recording_id,
            label=one.label,
            source=one.source,
            at=one.at,
            predictions=said[one.recording_id].predictions,
            confidences_q8=said[one.recording_id].confidences_q8,
            correct=[name == one.label for name in said[one.recording_id].predictions],
        )
        for one in covered
        if one.recording_id in said
    ]
