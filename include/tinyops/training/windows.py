"""Recordings to windows to features, one recording in memory at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tinyops.data.recordings.recording import Recording
from tinyops.frontend import Frontend, cut_windows, to_counts
from tinyops.projects import Project
from tinyops.training.recipe import TrainingError

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, eq=False)
class WindowSet:
    """Features of many windows.

    Parameters
    ----------
    features
        int8 [n, *frontend.output_shape]; may be a memory map.
    labels
        int64 [n], index into the project's labels.
    groups
        [n], the machine or person that each window comes from.
    recordings
        [n], id of the recording that each window comes from.
    conditions
        Of each of the objective's slices, values [n]; "none" where a recording has not got it.
    """

    features: NDArray[np.int8]
    labels: NDArray[np.int64]
    groups: NDArray[np.str_]
    recordings: NDArray[np.str_]
    conditions: dict[str, NDArray[np.str_]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    def counts(self, names: Sequence[str]) -> dict[str, int]:
        """Windows per class."""
        found = np.bincount(self.labels, minlength=len(names))
        return {name: int(count) for name, count in zip(names, found, strict=True)}

    def inputs(
        self, frontend: Frontend, rows: NDArray[np.int64] | slice | None = None
    ) -> NDArray[np.float32]:
        """The features, or these rows of them, as real numbers, float32."""
        zero, scale = frontend.input_zero_point, np.float32(frontend.input_scale)
        some = self.features if rows is None else self.features[rows]
        return (some.astype(np.float32) - zero) * scale


def counts_of(recording: Recording, project: Project) -> NDArray[np.int16]:
    """The recording as the device's converter gives it, int16 [N, C]."""
    return to_counts(recording.signal, project.signal.full_scale)


def windows_of(
    recordings: Iterable[Recording], project: Project, frontend: Frontend, overlap: int = 1
) -> WindowSet:
    """Features of all labelled windows.

    Parameters
    ----------
    overlap
        Windows start every hop / overlap samples.

    Raises
    ------
    TrainingError
        No recording holds a labelled window.
    """
    signal = project.signal
    features, labels, groups, names = [], [], [], []
    slices = {name: name.removeprefix("condition:") for name in project.objective.slices}
    values: dict[str, list[str]] = {name: [] for name in slices}
    for recording in recordings:
        if recording.label not in project.labels:
            continue
        counts = counts_of(recording, project)
        windows = cut_windows(counts, signal.window, max(1, signal.hop // overlap))
        features.append(frontend.run(windows))
        labels += [project.labels.index(recording.label)] * len(windows)
        groups += [recording.machine_id] * len(windows)
        names += [recording.recording_id] * len(windows)
        for name, key in slices.items():
            values[name] += [recording.conditions.get(key, "none")] * len(windows)
    if not labels:
        raise TrainingError(
            f"{project.name}: no labelled window of {signal.window} samples",
            "send longer or labelled recordings",
        )
    return WindowSet(
        np.concatenate(features),
        np.array(labels),
        np.array(groups),
        np.array(names),
        {name: np.array(found) for name, found in values.items()},
    )


def spread(features: NDArray[T], count: int) -> NDArray[T]:
    """At most `count` rows, evenly over all."""
    chosen = np.linspace(0, len(features) - 1, min(count, len(features))).round().astype(int)
    return features[chosen]


def golden_windows(
    recordings: Iterable[Recording], project: Project, count: int = 8
) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """`count` raw windows int16 [count, W, C] with their labels, classes in turn.

    Each is from the middle of a recording; where recordings are few, some give several.
    """
    signal = project.signal
    middles: dict[int, list[NDArray[np.int16]]] = {}
    others: dict[int, list[NDArray[np.int16]]] = {}
    for recording in recordings:
        if recording.label not in project.labels or recording.samples < signal.window:
            continue
        label = project.labels.index(recording.label)
        windows = list(cut_windows(counts_of(recording, project), signal.window, signal.hop))
        kept = middles.setdefault(label, [])
        if len(kept) < count:
            kept.append(windows.pop(len(windows) // 2))
            others.setdefault(label, []).extend(windows[:count])
        elif all(len(middles.get(each, ())) >= count for each in range(len(project.labels))):
            break
    queues = [(label, middles[label] + others[label]) for label in sorted(middles)]
    taken = [
        (queue[turn], label)
        for turn in range(count)
        for label, queue in queues
        if turn < len(queue)
    ][:count]
    if len(taken) < count:
        raise TrainingError(
            f"{project.name}: only {len(taken)} windows for {count} golden ones",
            "send more recordings",
        )
    return np.stack([window for window, _ in taken]), np.array([label for _, label in taken])
