"""Requests for labels: what a person can do about a verdict, asked once for each release."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import numpy as np

from tinyops.data.datasets.dataset import current_version, open_dataset
from tinyops.data.labels.label_request import (
    Kind,
    LabelRequest,
    answered,
    open_requests,
    publish_request,
)
from tinyops.monitoring.judge import LabelledWindows
from tinyops.monitoring.verdict import SILENT, Verdict
from tinyops.projects import Project
from tinyops.store import Store, content_id, layout

HELD_OUT = ("validation", "test")


def ask_for_labels(
    store: Store,
    project: Project,
    verdicts: Iterable[Verdict],
    labelled: Callable[[str], LabelledWindows],
) -> list[LabelRequest]:
    """Write the requests that verdicts lead to; returns those that were not there before.

    Parameters
    ----------
    labelled
        The labelled windows about a release, by its version.
    """
    new = []
    for verdict in verdicts:
        kind = _kind(verdict)
        if kind is None:
            continue
        request = _id(verdict, kind)
        if not store.exists(layout.label_request(project.name, request)):
            new.append(_request(store, project, verdict, request, kind, labelled))
            publish_request(store, new[-1])
    return new


def close_requests(store: Store, project: Project, verdicts: Iterable[Verdict]) -> list[str]:
    """Close what nobody needs to answer any more; returns the ids.

    That is a look at a device that reports several classes again, and a request about a release
    that the device has left for one without drift.
    """
    said = {verdict.device: verdict for verdict in verdicts}
    closed = []
    for request in open_requests(store, project):
        verdict = said.get(request.device)
        if verdict is None or verdict.evidence is None or _kind(verdict) == request.kind:
            continue
        left = verdict.status == "none" and verdict.release != request.release
        if left or (request.kind == "look" and not verdict.evidence.only_class):
            answered(store, project.name, request.id, "", f"verdict {verdict.id}")
            closed.append(request.id)
    return closed


def _kind(verdict: Verdict) -> Kind | None:
    if verdict.status in ("data drift", "concept drift"):
        return verdict.status
    silent = verdict.reason.startswith(SILENT)
    return "look" if verdict.evidence and verdict.evidence.only_class and not silent else None


def _id(verdict: Verdict, kind: Kind) -> str:
    return content_id([verdict.device, verdict.release, verdict.reference_tag, kind])


def _request(
    store: Store,
    project: Project,
    verdict: Verdict,
    request: str,
    kind: Kind,
    labelled: Callable[[str], LabelledWindows],
) -> LabelRequest:
    about = 0
    recordings: tuple[str, ...] = ()
    if kind == "data drift":
        about = project.monitoring.label_recordings
        what = (
            f"record and label about {about} recordings of what {verdict.device} senses now, and "
            f"publish them as an answer to {request}: {verdict.reason}"
        )
    elif kind == "concept drift":
        classes = _wrong_classes(labelled(verdict.release))
        recordings = _recordings(store, project, classes)
        about = len(recordings)
        what = (
            f"label {about} recordings again, those called {' or '.join(classes)}, as an answer to "
            f"{request}: {verdict.reason}"
        )
    else:
        what = f"{verdict.device} {verdict.reason} Look at the machine, the sensor and its cable"
    return LabelRequest(
        id=request,
        project=project.name,
        device=verdict.device,
        release=verdict.release,
        reference_tag=verdict.reference_tag,
        kind=kind,
        span=verdict.frames | {"seconds": round(verdict.virtual_seconds, 3)},
        virtual=verdict.virtual,
        verdict=verdict.id,
        about=about,
        instructions=what,
        recordings=recordings,
        at=datetime.fromisoformat(verdict.at),
    )


def _wrong_classes(labelled: LabelledWindows) -> list[str]:
    """The decided classes that are wrong at least as often as all of them together."""
    wrong = ~labelled.correct
    decided = labelled.predictions
    names = np.unique(decided[wrong])
    return [str(name) for name in names if wrong[decided == name].mean() >= wrong.mean()]


def _recordings(store: Store, project: Project, classes: list[str]) -> tuple[str, ...]:
    """All recordings that the newest dataset version has in these classes, held-out ones first."""
    version = current_version(store, project)
    if version is None:
        return ()
    dataset = open_dataset(store, project, version)
    rows = [row for row in dataset.index() if row.label in classes]
    rows.sort(key=lambda row: dataset.part_of(row) not in HELD_OUT)
    return tuple(row.recording_id for row in rows)
