"""Judge every device of a project by the newest frames in S3."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tinyops.monitoring.clock import window_seconds
from tinyops.monitoring.evidence import judge_frame_set
from tinyops.monitoring.frame_set import FrameSet, sets_since
from tinyops.monitoring.residuals import Residual, residual_of
from tinyops.monitoring.table import read_frames
from tinyops.monitoring.verdict import Verdict, status_of
from tinyops.projects import Project
from tinyops.sketches.frames import FrameRecord
from tinyops.sketches.reference import Reference
from tinyops.store import Pointer, Store, layout

LOOK_BACK = timedelta(days=7)


class LabelledWindows(Protocol):
    """Windows with labels about one release, n of them; `training.evidence` has them."""

    @property
    def confidences(self) -> NDArray[np.uint8]:
        """[n], in 1/256."""

    @property
    def correct(self) -> NDArray[np.bool_]:
        """[n], whether the model was right."""

    @property
    def predictions(self) -> NDArray[np.str_]:
        """[n], class names."""

    @property
    def recording_ids(self) -> NDArray[np.str_]:
        """[n], the recording of each window."""


def judge(
    store: Store,
    project: Project,
    labelled: Callable[[str], LabelledWindows] | None = None,
    now: datetime | None = None,
) -> list[Verdict]:
    """A verdict for every device that has sent frames within a week.

    Every frame set that came since the last verdict is judged: the first that drifts is the verdict
    on a device that was not known to drift, else the newest.

    Verdicts are written once and named by what they judge. The pointer `verdict` comes last:
    `devices`, {device: newest verdict, and `since` when it has this status}; a device that was
    silent for longer keeps its last.

    Parameters
    ----------
    labelled
        The labelled windows about a release, by its version.

    Raises
    ------
    ObjectMissing
        A release that sends frames has no reference.
    """
    now = now or datetime.now(UTC)
    records = read_frames(store, project.name, since=f"{now - LOOK_BACK:%Y-%m-%d}")
    bench = _Bench(store, project, labelled, now)
    key = layout.pointer(project.name, Pointer.VERDICT)
    devices: dict[str, Any] = store.get_json_or(key, {"devices": {}})["devices"]
    verdicts = [
        bench.judge(list(own), devices.get(device))
        for device, own in groupby(records, key=lambda record: record.device)
    ]
    newest = {
        verdict.device: _written(store, verdict)
        | {"since": _since(devices.get(verdict.device), verdict)}
        for verdict in verdicts
    }
    if newest:
        store.put_json(key, {"devices": devices | newest})
    return verdicts


class _Bench:
    """What devices are judged with; references and labels are read once for each release."""

    def __init__(
        self,
        store: Store,
        project: Project,
        labelled: Callable[[str], LabelledWindows] | None,
        now: datetime,
    ) -> None:
        self._store = store
        self._project = project
        self._labelled = labelled
        self._now = now
        self._releases: dict[str, tuple[Reference, Residual | None]] = {}

    def judge(self, records: list[FrameRecord], before: dict[str, Any] | None) -> Verdict:
        """The verdict on the device that sent these frames, and had this verdict before."""
        reference, _ = self._release(records[-1].version)
        known = before is not None and before["status"] == "data drift"
        sets = sets_since(
            records, reference.monitoring.set_frames, before["frames"] if before else None
        )
        for frames in sets[:-1] if not known else ():
            verdict = self._verdict(frames)
            if verdict.status == "data drift":
                return verdict
        same = known and before is not None and before["release"] == records[-1].version
        return self._verdict(sets[-1], drifting=same)

    def _verdict(self, frames: FrameSet, drifting: bool = False) -> Verdict:
        newest = frames.newest
        reference, residual = self._release(newest.version)
        wanted = reference.monitoring.set_frames
        whole = len(frames.records) == wanted
        evidence = judge_frame_set(reference, frames.counts()) if whole else None
        status, reason = status_of(frames, wanted, evidence, residual, self._now, drifting)
        return Verdict(
            project=self._project.name,
            device=newest.device,
            release=newest.version,
            reference_tag=newest.reference_tag,
            status=status,
            reason=reason,
            evidence=evidence,
            residual=residual,
            frames=_span(frames),
            virtual_seconds=(frames.last_window + 1) * window_seconds(self._project),
            virtual=newest.virtual,
            at=self._now.isoformat(),
        )

    def _release(self, version: str) -> tuple[Reference, Residual | None]:
        if version not in self._releases:
            key = layout.release(self._project.name, version) + layout.REFERENCE
            reference = Reference.from_json(self._store.get(key))
            labelled = self._labelled(version) if self._labelled else None
            self._releases[version] = reference, _residual(reference, labelled)
        return self._releases[version]


def _residual(reference: Reference, labelled: LabelledWindows | None) -> Residual | None:
    if labelled is None or not len(labelled.correct):
        return None
    return residual_of(
        reference.calibration,
        np.searchsorted(reference.confidence_edges, labelled.confidences, side="right"),
        labelled.correct,
        labelled.recording_ids,
        reference.monitoring.residual_alpha,
        reference.monitoring.minimum_labels,
    )


def _span(frames: FrameSet) -> dict[str, int]:
    return {
        "epoch": frames.newest.epoch,
        "first_window": frames.first_window,
        "last_window": frames.last_window,
        "n": len(frames.records),
    }


def _since(before: dict[str, Any] | None, verdict: Verdict) -> str:
    same = before and (before["status"], before["release"]) == (verdict.status, verdict.release)
    return str(before["since"]) if before and same else verdict.at


def _written(store: Store, verdict: Verdict) -> dict[str, Any]:
    key = layout.verdict(verdict.project, verdict.id)
    content: dict[str, Any] | None = store.get_json_or(key, None)
    if content is None:
        content = verdict.to_dict()
        store.put_json(key, content)
    return content
