"""What the gate looks at in frames, one row each, and what Great Expectations must find there."""

from __future__ import annotations

import binascii
import bisect
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyops.data.quality.validation import import_gx
from tinyops.monitoring import device_binding
from tinyops.monitoring.device_binding import Bindings
from tinyops.monitoring.frame_inbox import FrameFile
from tinyops.monitoring.table import Row
from tinyops.projects import Project
from tinyops.sketches.frames import BINS, CLASSES, FEATURES, KIND, SATURATED, tag_byte

if TYPE_CHECKING:
    import pandas as pd

CLOCK_SKEW_DAYS = 5 / 1440

NEW, AGAIN, OVERLAPPING, TOO_MANY = "new", "sent twice", "overlapping", "too many"
MOST_A_DAY = 300_000
"""Frames of one gateway and day that go on; a hundred devices of 64 windows of 2 s send 68 000."""

RAW = np.dtype(
    [
        ("kind", "u1"),
        ("model", "u1"),
        ("reference", "u1"),
        ("window", "<u2"),
        ("n", "u1"),
        ("flags", "u1"),
        ("histograms", "u1", (FEATURES, BINS - 1)),
        ("out_of_range", "u1", FEATURES),
        ("confidence", "u1", BINS - 1),
        ("classes", "u1", CLASSES),
        ("crc", "<u2"),
    ]
)
"""A frame's 48 bytes as they are; `SketchFrame` refuses those that do not add up."""


@dataclass(frozen=True)
class KnownRelease:
    """What the frames of a release must say."""

    reference_tag: str
    model_sha256: str
    frame_windows: int
    classes: int


def frame_table(
    rows: list[Row], releases: Mapping[str, KnownRelease], bindings: Bindings, now: datetime
) -> Any:
    """One row per frame, by itself; `releases` by version. A pandas DataFrame."""
    import pandas as pd

    records = [row.record for row in rows]
    raw = np.frombuffer(b"".join(record.frame for record in records), RAW)
    counts = {name: raw[name].astype(int) for name in RAW.names or ()}
    n = counts["n"]
    bins = np.concatenate([counts["histograms"], counts["confidence"][:, None]], axis=1).sum(axis=2)
    wanted = [releases.get(record.version) for record in records]
    return pd.DataFrame(
        {
            "row": range(len(rows)),
            "kind": counts["kind"],
            "crc_error": [
                binascii.crc_hqx(record.frame[:-2], 0) ^ int(crc)
                for record, crc in zip(records, counts["crc"], strict=True)
            ],
            "project": [record.project for record in records],
            "own_gateway": [
                row.record.gateway == FrameFile.from_id(row.file).gateway for row in rows
            ],
            "binding": [
                device_binding.fault(bindings, FrameFile.from_id(row.file).gateway, row.record, now)
                for row in rows
            ],
            "version": [record.version for record in records],
            "own_model": [
                one is None or one.model_sha256 == record.model_sha256
                for one, record in zip(wanted, records, strict=True)
            ],
            "own_tag": [
                one is None or one.reference_tag == record.reference_tag
                for one, record in zip(wanted, records, strict=True)
            ],
            "own_bytes": [
                (record.model_sha256[:2], tag_byte(record.reference_tag))
                == (f"{model:02x}", reference)
                for record, model, reference in zip(
                    records, counts["model"], counts["reference"], strict=True
                )
            ],
            "counter_error": [
                record.window % 2**16 - int(window)
                for record, window in zip(records, counts["window"], strict=True)
            ],
            "missing_windows": [
                one.frame_windows - int(count) if one else float("nan")
                for one, count in zip(wanted, n, strict=True)
            ],
            "class_excess": counts["classes"].sum(axis=1) - n,
            "stray_classes": [
                int(row[one.classes :].sum()) if one else 0
                for one, row in zip(wanted, counts["classes"], strict=True)
            ],
            "bin_excess": bins.max(axis=1) - n,
            "out_of_range_excess": counts["out_of_range"].max(axis=1) - n,
            "saturated": (counts["flags"] & SATURATED).astype(bool),
            "age_days": [
                (now - datetime.fromisoformat(record.received_at)).total_seconds() / 86400
                for record in records
            ],
        }
    )


def counter_table(rows: list[Row], stored: Iterable[Row]) -> pd.DataFrame:
    """One row per frame, against the others: `windows` says whether it counted windows of its own.

    Of two frames that counted the same windows the first is NEW, unless there are MOST_A_DAY.
    """
    import pandas as pd

    taken: dict[tuple[str, str, int], list[tuple[int, int, bytes]]] = {}
    sent: Counter[tuple[str, str]] = Counter()
    for row in stored:
        _place(taken, row)
        sent[row.folder] += 1
    windows = []
    for row in rows:
        full = sent[row.folder] >= MOST_A_DAY
        windows.append(TOO_MANY if full else _place(taken, row))
        sent[row.folder] += windows[-1] == NEW
    return pd.DataFrame({"row": range(len(rows)), "windows": windows})


def _place(taken: dict[tuple[str, str, int], list[tuple[int, int, bytes]]], row: Row) -> str:
    record = row.record
    windows = record.sketch().n
    spans = taken.setdefault((record.gateway, record.device, record.epoch), [])
    span = (record.window, record.window + windows, record.frame)
    at = bisect.bisect(spans, span)
    if span in spans[max(at - 1, 0) : at]:
        return AGAIN
    if any(start < span[1] and span[0] < end for start, end, _ in spans[max(at - 1, 0) : at + 1]):
        return OVERLAPPING
    spans.insert(at, span)
    return NEW


def frame_expectations(project: Project, versions: Iterable[str]) -> list[Any]:
    """What `frame_table` must meet; `meta.reason` is what is said and counted of a frame that does
    not. The worst comes first: damaged bytes explain everything else."""
    gxe = _gxe()
    in_set, between = gxe.ExpectColumnValuesToBeInSet, gxe.ExpectColumnValuesToBeBetween
    not_in_set = gxe.ExpectColumnValuesToNotBeInSet

    def zero(column: str, reason: str) -> Any:
        return _meant(between, reason, column=column, min_value=0, max_value=0)

    def at_most(column: str, limit: float, reason: str) -> Any:
        return _meant(between, reason, column=column, max_value=limit)

    def yes(column: str, reason: str) -> Any:
        return _meant(in_set, reason, column=column, value_set=[True])

    return [
        zero("crc_error", "wrong CRC"),
        _meant(in_set, "another kind of frame", column="kind", value_set=[KIND]),
        zero("class_excess", "classes do not sum to the windows"),
        at_most("bin_excess", 0, "a histogram sums to more than the windows"),
        at_most("out_of_range_excess", 0, "more out of range than windows"),
        _meant(in_set, "of another project", column="project", value_set=[project.name]),
        yes("own_gateway", "sent by another gateway"),
        *(
            _meant(not_in_set, reason, column="binding", value_set=[reason])
            for reason in device_binding.REASONS
        ),
        _meant(in_set, "unknown release", column="version", value_set=sorted(versions)),
        yes("own_model", "not its release's model"),
        yes("own_tag", "not its release's reference tag"),
        zero("stray_classes", "classes that its release does not have"),
        yes("own_bytes", "the frame's bytes for model and reference are others"),
        zero("counter_error", "the frame's window counter is another"),
        zero("missing_windows", "not a full frame"),
        _meant(in_set, "a counter saturated", column="saturated", value_set=[False]),
        _meant(
            between,
            "received in the future",
            column="age_days",
            min_value=-CLOCK_SKEW_DAYS,
        ),
        at_most("age_days", project.retention.frames_days, "older than retention"),
    ]


def counter_expectations() -> list[Any]:
    """What `counter_table` must meet."""
    not_in_set = _gxe().ExpectColumnValuesToNotBeInSet
    return [
        _meant(not_in_set, "sent twice", column="windows", value_set=[AGAIN]),
        _meant(
            not_in_set,
            "counted windows that another frame has counted",
            column="windows",
            value_set=[OVERLAPPING],
        ),
        _meant(
            not_in_set,
            "more than a gateway may send a day",
            column="windows",
            value_set=[TOO_MANY],
        ),
    ]


def _gxe() -> Any:
    import_gx()
    import great_expectations.expectations

    return great_expectations.expectations


def _meant(kind: Any, reason: str, **settings: Any) -> Any:
    return kind(notes=f"else: {reason}", meta={"reason": reason}, **settings)
