"""Frames that devices send, and reports: on devices, on batches, on what was removed."""

from __future__ import annotations

import re
from enum import StrEnum

from tinyops.store.layout.keys import below, between, is_safe, part
from tinyops.store.layout.keys import parts as path_parts

PAGE = "index.html"
"""In a folder of reports: the page that stands for the folder."""

_DATE, _GATEWAY, _FRAMES = "date=", "gateway=", ".bin.zst"
_FOLDER = rf"{_DATE}([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})/{_GATEWAY}([^/]{{1,100}})/"
_FRAMES_OBJECT = re.compile(rf"{_FOLDER}([0-9]{{12}}){re.escape(_FRAMES)}")
_FRAMES_TABLE = re.compile(rf"{_FOLDER}[0-9]{{12}}-[0-9]{{12}}\.parquet")


class ReportKind(StrEnum):
    """Subject of a report."""

    DATA_DOCS = "data-docs"
    """Findings of the gate on a batch, as a page."""

    FRAMES = "frames"
    """Findings of the gate of frames."""

    VERDICT = "verdict"
    """Verdict of monitoring on a device."""

    LABELLED = "labelled"
    """Predictions of a release's model for labelled windows."""

    DRIFT = "drift"
    """Evidently's report on what a device has counted."""

    PERFORMANCE = "performance"
    """Evidently's report on what labels say of a device's release."""

    STORY = "story"
    """The picture of a device's life."""

    RETENTION = "retention"
    """Objects deleted because their retention period has ended."""

    FORGET = "forget"
    """Objects deleted or rewritten to erase a machine."""


def frames(project: str, date: str = "", gateway: str = "") -> str:
    """Folder of all files of frames, of those of a day (YYYY-MM-DD), or of a gateway's of a day.

    Gateways alone write there, each below its own name.
    """
    return _frames_folder(f"{part(project)}/frames/", date, gateway)


def frame_tables(project: str, date: str = "", gateway: str = "") -> str:
    """Folder of accepted frames as tables, divided as `frames`; monitor alone writes there."""
    return _frames_folder(f"{part(project)}/frame-tables/", date, gateway)


def _frames_folder(folder: str, date: str, gateway: str) -> str:
    if date:
        folder += f"{_DATE}{part(date)}/"
    if date and gateway:
        folder += f"{_GATEWAY}{part(gateway)}/"
    return folder


def frames_date(folder: str) -> str | None:
    """The day of a folder directly below that of all frames or tables; None where it is of none."""
    return between(_DATE, folder, "")


def frames_gateway(folder: str) -> str | None:
    """The gateway of a folder directly below that of a day's frames; None where it is of none."""
    return between(_GATEWAY, folder, "")


def frames_object(project: str, date: str, gateway: str, seq: int) -> str:
    """One file of frames, as a gateway sends it; written by that gateway only."""
    return frames(project, date, gateway) + f"{seq:012d}{_FRAMES}"


def is_frames_object(key: str) -> bool:
    """Return True if the name is that of a file of frames; its place may be wrong."""
    return key.endswith(_FRAMES)


def frames_object_parts(project: str, key: str) -> tuple[str, str, int] | None:
    """(day, gateway, number) of the file of frames at a key; None for any other key."""
    found = _FRAMES_OBJECT.fullmatch(below(frames(project), key) or "")
    if found is None or not is_safe(found[2]):
        return None
    return found[1], found[2], int(found[3])


def frames_table(project: str, date: str, gateway: str, first: int, last: int) -> str:
    """The accepted frames of the files `first` to `last` as a table."""
    return frame_tables(project, date, gateway) + f"{first:012d}-{last:012d}.parquet"


def is_frames_table(project: str, key: str) -> bool:
    """Return True if a table of accepted frames belongs at this key."""
    return bool(_FRAMES_TABLE.fullmatch(below(frame_tables(project), key) or ""))


def reports(project: str, kind: str = "") -> str:
    """Folder of all reports, or of a kind as a listing shows it: also one that is made no more."""
    return f"{part(project)}/reports/" + (f"{kind}/" if kind else "")


def report(project: str, kind: ReportKind, report_id: str = "") -> str:
    """Folder of one report, or of all of a kind."""
    tail = part(report_id) + "/" if report_id else ""
    return f"{reports(project)}{part(kind)}/{tail}"


def report_file(project: str, kind: str, path: str) -> str:
    """One file of a report as a page's address names it; `path` may have folders."""
    return f"{reports(project)}{part(kind)}/{path_parts(path)}"


def report_path(project: str, kind: ReportKind, uri: str) -> str:
    """Path of a report's file below the folder of its kind, from its URI; "" for another's."""
    return uri.partition(report(project, kind))[2]


def data_docs_page(project: str, batch: str) -> str:
    """Page of the gate's findings on a batch."""
    return report(project, ReportKind.DATA_DOCS, batch) + PAGE


def data_docs_list(project: str) -> str:
    """The page that lists all batches."""
    return report(project, ReportKind.DATA_DOCS) + PAGE


def data_docs_runs(project: str) -> str:
    """Entries of `data_docs_list`."""
    return report(project, ReportKind.DATA_DOCS) + "index.json"


def frames_validation(project: str, run: str) -> str:
    """Great Expectations' results on frames that came together."""
    return report(project, ReportKind.FRAMES, run) + "gx.json"


def verdict(project: str, verdict_id: str) -> str:
    """A verdict on a device."""
    return report(project, ReportKind.VERDICT, verdict_id) + "verdict.json"


def labelled(project: str, release: str, evidence_id: str) -> str:
    """Predictions of a release's model for labelled windows."""
    return report(project, ReportKind.LABELLED, release) + f"{part(evidence_id)}.json"


def evidently(project: str, kind: ReportKind, verdict_id: str) -> str:
    """Evidently's report on a verdict: DRIFT or PERFORMANCE."""
    return report(project, kind, verdict_id) + "evidently.json"


def story(project: str, device: str) -> str:
    """The picture of a device's life."""
    return report(project, ReportKind.STORY, device) + "story.png"


def removal(project: str, kind: ReportKind, request: str) -> str:
    """Report on what a request deleted: RETENTION or FORGET."""
    return report(project, kind, request) + "report.json"
