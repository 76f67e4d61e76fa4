"""What is known of devices: verdicts that stand and that went before, frames that came."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from tinyops.errors import TinyOpsError
from tinyops.monitoring.frame_inbox import FrameFile, outstanding_frames
from tinyops.monitoring.table import read_frames
from tinyops.sketches.frames import FrameRecord
from tinyops.store import ObjectMissing, Pointer, ReportKind, Store, layout


def standing(store: Store, project: str) -> dict[str, dict[str, Any]]:
    """{device: its newest verdict}, sorted; `since` is when its status began."""
    key = layout.pointer(project, Pointer.VERDICT)
    pointer: dict[str, Any] = store.get_json_or(key, {"devices": {}})
    return dict(sorted(pointer["devices"].items()))


def newest_verdicts(
    store: Store, project: str, most: int, device: str = ""
) -> list[dict[str, Any]]:
    """At most so many verdicts, newest first; of one device, or of all."""
    rows = sorted(
        store.objects(layout.report(project, ReportKind.VERDICT)),
        key=lambda row: row.last_modified,
        reverse=True,
    )
    found: list[dict[str, Any]] = []
    for row in rows:
        if len(found) == most:
            break
        verdict = store.get_json(row.key)
        if device in ("", verdict["device"]):
            found.append(verdict)
    return found


def report_page(store: Store, project: str, device: str, kind: ReportKind) -> bytes:
    """Evidently's page on the newest verdict on a device, drawn now if nobody did before.

    Raises
    ------
    TinyOpsError
        There is no verdict, or it has nothing of this kind to draw.
    """
    from tinyops.monitoring.reports.draw import draw_reports
    from tinyops.monitoring.reports.snapshot import render_html

    known = standing(store, project)
    if device not in known:
        raise TinyOpsError(
            f"{project}: no verdict on {device!r}", f"name one of: {', '.join(known) or 'none yet'}"
        )
    verdict = known[device]
    if not store.exists(layout.evidently(project, kind, verdict["id"])):
        draw_reports(store, project, verdict["id"])
    try:
        return render_html(store, project, kind, verdict["id"])
    except ObjectMissing:
        raise TinyOpsError(
            f"the verdict on {device} has no {kind} report: {verdict['reason']}",
            "a drift report needs a whole frame set, a performance report labels that came after "
            "the release",
        ) from None


def arrived(store: Store, project: str, since: str) -> dict[str, Any]:
    """What came on or after a day (YYYY-MM-DD).

    `devices`: a row for each device that has sent frames; `set_aside`: a row for each file of which
    something was; `waiting`: files that were not handled yet.
    """
    frames = read_frames(store, project, since=since)
    return {
        "devices": [
            _summary(list(own)) for _, own in groupby(frames, key=lambda frame: frame.device)
        ],
        "set_aside": list(_set_aside(store, project, since)),
        "waiting": len(outstanding_frames(store, project, since)),
    }


def _set_aside(store: Store, project: str, since: str) -> Iterator[dict[str, Any]]:
    for folder in store.folders(layout.quarantines(project)):
        try:
            file = FrameFile.from_id(layout.frames_of_input(folder) or "")
        except ValueError:
            continue  # A batch of recordings, or a label set.
        if file.date >= since:
            reason = store.get_json(layout.quarantine_reason(project, folder))
            yield {"file": file.id, "counts": reason["counts"]}


def _summary(frames: list[FrameRecord]) -> dict[str, Any]:
    last = frames[-1]
    return {
        "device": last.device,
        "gateway": last.gateway,
        "version": last.version,
        "reference_tag": last.reference_tag,
        "virtual": last.virtual,
        "epochs": len({frame.epoch for frame in frames}),
        "frames": len(frames),
        "last_window": last.window + last.sketch().n - 1,
        "received_at": max(frame.received_at for frame in frames),
    }
