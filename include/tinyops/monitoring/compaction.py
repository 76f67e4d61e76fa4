"""Ingest files of frames: gate them, set bad frames aside, keep the good ones in tables.

Idempotent: a row knows the file that it came in, so rows of a file without a receipt are taken out
and made again. Tables come before receipts, and what they replace is removed last.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tinyops.monitoring import device_binding
from tinyops.monitoring.frame_gate import Gated, SetAside, check_frames
from tinyops.monitoring.frame_inbox import FrameFile, outstanding_frames
from tinyops.monitoring.frame_passes import FILES_A_RUN, RECORDS_A_RUN, by_turns, passes
from tinyops.monitoring.frame_suite import KnownRelease
from tinyops.monitoring.known_devices import KnownDevices
from tinyops.monitoring.table import (
    PARQUET,
    Row,
    read_rows,
    record_table,
    replace_table,
    to_parquet,
)
from tinyops.projects import Project, load_project
from tinyops.sketches.frames import LARGEST_OBJECT, FrameError, decode_records
from tinyops.store import (
    Consumer,
    ObjectMissing,
    ObjectTooLarge,
    Receipt,
    Store,
    content_id,
    layout,
    receipts,
)

UNREADABLE_FILE = "unreadable file"
UNREADABLE_RECORD = "unreadable record"
SHOWN_FRAMES, SHOWN_PROBLEMS = 100, 20
"""Bad frames and unreadable records of a file that `reason.json` describes. All are counted."""
# A frame that comes again has the counter of one that was stored about when it came first.
LOOK_BACK = timedelta(days=2)

log = logging.getLogger(__name__)


@dataclass
class _Arrival:
    """Content of a file; `problems` are its records that cannot be read."""

    file: FrameFile
    rows: list[Row] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unreadable: str = ""


def compact_frames(store: Store, project: Project | str) -> dict[str, Any]:
    """Handle outstanding files, up to FILES_A_RUN and about RECORDS_A_RUN.

    Returns
    -------
    dict
        `files` handled, `accepted` frames, `set_aside` {reason: frames}, `tables` (their keys).

    Raises
    ------
    StoreUnavailable
        S3 does not answer; worth another try.
    """
    if isinstance(project, str):
        project = load_project(project)
    files = by_turns(outstanding_frames(store, project.name))
    if not files:
        return {"files": 0, "accepted": 0, "set_aside": {}, "tables": []}
    # After the listing: whoever has sent a file has listed its device before.
    devices = KnownDevices.read(store, project.name)
    devices.renew(store, project)
    devices.write(store, project.name)
    handled, records, accepted = 0, 0, 0
    set_aside, tables = Counter[str](), set[str]()
    for arrivals in passes(_fetch(store, project.name, file) for file in files[:FILES_A_RUN]):
        gated, keys = _compact(store, project, arrivals, devices)
        accepted += len(gated.good)
        set_aside.update(gated.reasons)
        set_aside[UNREADABLE_FILE] += sum(bool(arrival.unreadable) for arrival in arrivals)
        set_aside[UNREADABLE_RECORD] += sum(len(one.problems) for one in arrivals)
        tables |= keys
        handled += len(arrivals)
        records += sum(len(arrival.rows) for arrival in arrivals)
        if records >= RECORDS_A_RUN:
            break
    devices.write(store, project.name)
    if waiting := len(files) - handled:
        log.warning("%s: %d files of frames wait for the next run", project.name, waiting)
    return {
        "files": handled,
        "accepted": accepted,
        "set_aside": {reason: count for reason, count in set_aside.items() if count},
        "tables": sorted(tables),
    }


def _compact(
    store: Store, project: Project, arrivals: list[_Arrival], devices: KnownDevices
) -> tuple[Gated, set[str]]:
    """Handle some files: what the gate found, and keys of the tables that were written."""
    stored = _stored(store, project.name, arrivals)
    rows = [row for arrival in arrivals for row in arrival.rows]
    releases = _known_releases(store, project.name, {row.record.version for row in rows})
    now = datetime.now(UTC)
    gated = check_frames(rows, project, releases, stored, devices.bindings, now)
    tables, replaced = _keep(store, project.name, gated.good, stored)
    if rows:
        _report(store, project.name, [arrival.file.id for arrival in arrivals], gated)
    for arrival in arrivals:
        _settle(store, project.name, arrival, gated, tables)
    for key in replaced:
        store.delete(key)
    unbound = [
        (one.row.record, FrameFile.from_id(one.row.file).gateway, one.reasons[0])
        for one in gated.bad
        if one.reasons[0] in device_binding.REASONS
    ]
    devices.count_set_aside(unbound, now.isoformat())
    return gated, set(tables.values())


def _fetch(store: Store, project: str, file: FrameFile) -> _Arrival:
    try:
        records, problems = decode_records(store.get(file.key(project), LARGEST_OBJECT))
    except (FrameError, ObjectTooLarge, ObjectMissing) as error:
        return _Arrival(file, unreadable=error.message)
    return _Arrival(file, [Row(record, file.id) for record in records], problems)


def _stored(store: Store, project: str, arrivals: list[_Arrival]) -> list[Row]:
    """Rows of the gateways that have sent something, but not those of a run that was cut off."""
    if not arrivals:
        return []
    first = date.fromisoformat(min(arrival.file.date for arrival in arrivals))
    again = {arrival.file.id for arrival in arrivals}
    return [
        row
        for gateway in sorted({arrival.file.gateway for arrival in arrivals})
        for row in read_rows(store, project, gateway, f"{first - LOOK_BACK}")
        if row.file not in again
    ]


def _known_releases(store: Store, project: str, versions: set[str]) -> dict[str, KnownRelease]:
    """Those of the versions that are releases with a reference."""
    known = {}
    for version in versions.intersection(store.folders(layout.release(project))):
        reference = store.get_json_or(layout.release(project, version) + layout.REFERENCE, None)
        if reference is not None:
            known[version] = KnownRelease(
                reference["tag"],
                reference["model_sha256"],
                reference["monitoring"]["frame_windows"],
                len(reference["labels"]),
            )
    return known


def _keep(
    store: Store, project: str, good: list[Row], stored: list[Row]
) -> tuple[dict[tuple[str, str], str], list[str]]:
    """Tables by (day, gateway), and keys of what they replace."""
    folders: dict[tuple[str, str], list[Row]] = {row.folder: [] for row in good}
    for row in [*stored, *good]:
        if row.folder in folders:
            folders[row.folder].append(row)
    tables, replaced = {}, []
    for (day, gateway), rows in folders.items():
        tables[day, gateway], old = replace_table(store, project, day, gateway, rows)
        replaced += old
    return tables, replaced


def _report(store: Store, project: str, ids: list[str], gated: Gated) -> None:
    key = layout.frames_validation(project, content_id(ids))
    store.put_json(key, {"files": ids, "validations": gated.validations})


def _settle(
    store: Store,
    project: str,
    arrival: _Arrival,
    gated: Gated,
    tables: dict[tuple[str, str], str],
) -> None:
    """Set aside what is bad in a file and write its receipt."""
    file = arrival.file
    bad = gated.bad_of(file.id)
    reasons = Counter(one.reasons[0] for one in bad)
    reasons[UNREADABLE_RECORD] = len(arrival.problems)
    reasons[UNREADABLE_FILE] = int(bool(arrival.unreadable))
    counts = {reason: count for reason, count in reasons.items() if count}
    said = ", ".join(f"{count} x {reason}" for reason, count in sorted(counts.items()))
    aside = _set_aside(store, project, arrival, bad, counts) if counts else ""
    if counts and len(bad) == len(arrival.rows):
        log.warning("frames %s of %s set aside: %s", file.id, project, said)
        receipt = Receipt(Consumer.MONITOR, file.id, "quarantined", aside, said)
    else:
        table = tables.get((file.date, file.gateway), "")
        receipt = Receipt(Consumer.MONITOR, file.id, "done", table and store.uri(table), said)
    receipts.write(store, project, receipt)


def _set_aside(
    store: Store, project: str, arrival: _Arrival, bad: list[SetAside], counts: dict[str, int]
) -> str:
    name = layout.frames_input(arrival.file.id)
    if bad:
        table = record_table([one.row for one in bad])
        key = layout.quarantine(project, name) + layout.FRAMES_TABLE
        store.put(key, to_parquet(table), PARQUET)
    return store.put_json(
        layout.quarantine_reason(project, name),
        {
            "file": store.uri(arrival.file.key(project)),
            "counts": counts,
            "unreadable": arrival.unreadable,
            "records": arrival.problems[:SHOWN_PROBLEMS],
            "frames": [
                {
                    "device": one.row.record.device,
                    "epoch": one.row.record.epoch,
                    "window": one.row.record.window,
                    "reasons": one.reasons,
                }
                for one in bad[:SHOWN_FRAMES]
            ],
        },
    )
