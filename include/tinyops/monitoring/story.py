"""The story of a device, gathered from S3: verdicts, releases, label requests and their answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from tinyops.data.labels.label_request import requests_about
from tinyops.errors import TinyOpsError
from tinyops.fleet.events import read_events
from tinyops.fleet.gateways import gateway_names
from tinyops.monitoring.clock import DeviceClock, window_seconds
from tinyops.monitoring.picture import LANES, Happening, Judged, Measured, Story, draw_story
from tinyops.monitoring.table import read_frames
from tinyops.projects import Project, load_project
from tinyops.sketches.frames import FrameRecord
from tinyops.store import Consumer, ReportKind, Store, layout, receipts

ASKED, ANSWERED, ATTESTED = LANES


def story_picture(store: Store, project: Project | str, out: Path, device: str = "") -> Path:
    """Draw the story of a device into `out` and put it to S3 as well. Returns `out`.

    Parameters
    ----------
    device
        Whose story; "" for the device with the most frames.

    Raises
    ------
    TinyOpsError
        The device has sent no frames.
    """
    project = load_project(project) if isinstance(project, str) else project
    frames = read_frames(store, project.name)
    device = device or _busiest(frames)
    own = [record for record in frames if record.device == device]
    if not own:
        raise TinyOpsError(
            f"{project.name}: no frames of {device or 'any device'}",
            "wait until its gateway has sent some and monitor has run",
        )
    draw_story(read_story(store, project, device, own), out)
    store.put(layout.story(project.name, device), out.read_bytes(), "image/png")
    return out


def read_story(store: Store, project: Project, device: str, frames: list[FrameRecord]) -> Story:
    """What happened to a device that has sent these frames."""
    clock = DeviceClock.of(frames, window_seconds(project))
    attested = list(_attestations(store, project.name, device))
    requests = requests_about(store, project.name, device)
    answers = [
        receipts.read(store, project.name, Consumer.ANSWER, request.id) for request in requests
    ]
    happenings = [
        Happening(clock.beside(at), ATTESTED, version.rpartition("-")[2])
        for at, version in attested
    ]
    for request in requests:
        about = f", {request.about} recordings" if request.about else ""
        at = clock.beside(request.at.isoformat())
        happenings.append(Happening(at, ASKED, f"{request.kind}{about}"))
    # A request that was closed without labels has a receipt without a dataset version.
    answered = [clock.beside(each.at) for each in answers if each and each.output]
    happenings += [Happening(at, ANSWERED, "") for at in answered]
    virtual = any(record.virtual for record in frames)
    world = "simulated signals" if project.source.simulated else "recorded signals"
    board = "virtual board, virtual time" if virtual else "real board"
    return Story(
        title=f"{project.title}: accuracy, verdicts and releases",
        subtitle=f"{device}: {world}, {board}",
        virtual=virtual,
        verdicts=_verdicts(store, project.name, device, clock),
        measured=[
            dot
            for at, version in attested
            for dot in _measured(store, project.name, version, clock.beside(at), answered)
        ],
        happenings=happenings,
    )


def _busiest(frames: list[FrameRecord]) -> str:
    (most, _), *_ = Counter(record.device for record in frames).most_common(1) or [("", 0)]
    return most


def _verdicts(store: Store, project: str, device: str, clock: DeviceClock) -> list[Judged]:
    rows = store.objects(layout.report(project, ReportKind.VERDICT))
    every = (store.get_json(row.key) for row in rows)
    own = sorted((one for one in every if one["device"] == device), key=lambda one: one["at"])
    found = {}
    for verdict in own:
        frames, estimate = verdict["frames"], verdict["estimated_accuracy"]
        start = clock.counted_at(frames["epoch"], frames["first_window"])
        end = clock.counted_at(frames["epoch"], frames["last_window"] + 1)
        values = estimate and (estimate["value"], estimate["low"], estimate["high"])
        # Labels that come later may give the same frames another verdict.
        found[start, end] = Judged(start, end, verdict["status"], values)
    return list(found.values())


def _attestations(store: Store, project: str, device: str) -> Iterator[tuple[str, str]]:
    """(when, version) of every release at the first time that the device attested it."""
    seen: set[str] = set()
    events = [
        stored.event for gateway in gateway_names(store) for stored in read_events(store, gateway)
    ]
    # By the gateway's clock, as the frames that the story is drawn from.
    for event in sorted(events, key=lambda each: datetime.fromisoformat(each.at)):
        about = (event.kind, event.project, event.device)
        if about == ("attested", project, device) and event.version not in seen:
            seen.add(event.version)
            yield event.at, event.version


def _measured(
    store: Store, project: str, version: str, attested: float, answered: list[float]
) -> Iterator[Measured]:
    """What was measured with labels when a release was made: dots of it and of the one before."""
    manifest: dict[str, Any] = store.get_json_or(layout.release_manifest(project, version), {})
    folder = layout.candidate(project, str(manifest.get("candidate") or version))
    metrics = store.get_json_or(folder + layout.METRICS, None)
    if metrics is None:
        return
    new = metrics["new_condition"]
    after, before = (
        (new["challenger"], new["champion"]) if new else (metrics["int8"], metrics["champion"])
    )
    where = "on the new condition" if new else "on the test part"
    if before:
        labels_in = max((at for at in answered if at <= attested), default=attested)
        yield Measured(labels_in, before["accuracy"], where, before=True)
    yield Measured(attested, after["accuracy"], where, before=False)
