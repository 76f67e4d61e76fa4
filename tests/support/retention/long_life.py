"""A project with every kind of object that refers to a machine, for tests that erase it."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

from tests.support.frame_makers import record, send
from tests.support.retention.project_house import (
    NAME,
    PROJECT,
    TEST_MACHINE,
    candidate,
    champion,
    fleet,
    gateway,
    label,
    release,
    take_in,
)
from tinyops.data.ingest.batch import publish_batch
from tinyops.data.ingest.forgotten import remember
from tinyops.data.ingest.ingest import ingest_batch
from tinyops.data.ingest.upkeep import ask
from tinyops.data.labels.label_set import LabelRow, LabelSet, publish_labels
from tinyops.data.recordings import Recording
from tinyops.monitoring.table import Row as FrameRow
from tinyops.monitoring.table import replace_table
from tinyops.store import Store, layout

OTHER = "m4"


def of(machine: str, recordings: list[Recording]) -> list[Recording]:
    return [one for one in recordings if one.machine_id == machine]


def live(store: Store) -> dict[str, Any]:
    """All that a project can hold of a machine whose recordings are in the test part."""
    sent = fleet("b0", range(12))
    first = take_in(store, "b0", sent)
    more = fleet("b1", range(2, 6))
    bad = [mislabelled(one) for one in fleet("bad", range(3, 5))]
    second = take_in(store, "b1", [*more, *bad], note=f"from the hall of {TEST_MACHINE}")
    said, third = label(store, f"b0-{TEST_MACHINE}-ball", "normal", author="ada")
    _, third = label(store, f"b0-{OTHER}-ball", "normal", author="bob")
    candidate(store, "run-1", second)
    release(store, "run-1", second)
    champion(store, "run-1")
    candidate(store, "run-2", third)
    gateway(store, "line-3", {"d0": "run-1"})
    waiting = fleet("b2", range(3, 5))
    publish_batch(store, PROJECT, "b2", waiting)
    all_bad = [mislabelled(one) for one in fleet("b3", range(3, 5))]
    publish_batch(store, PROJECT, "b3", all_bad)
    assert ingest_batch(store, PROJECT, "b3")["status"] == "quarantined"
    words = tuple(
        LabelRow(recording_id=f"b1-{name}-ball", label="inner_race")
        for name in (TEST_MACHINE, OTHER)
    )
    told = LabelSet(
        project=NAME, source="operator", author="eve", at=datetime.now(UTC), labels=words
    )
    publish_labels(store, PROJECT, told)
    # A file in another format, of a batch that held the machine.
    original = of(TEST_MACHINE, more)[0].signal.astype("<f4").tobytes()
    store.put(layout.batch_original(NAME, "b1", "capture.wav"), b"RIFF" + original)
    _predictions(store, second)
    frames = [record(number, device=f"d{number}") for number in (3, 4)]
    file = send(store, frames)
    replace_table(store, NAME, file.date, file.gateway, [FrameRow(one, file.id) for one in frames])
    words_said = [{"recording_id": one.recording_id, "label": one.label} for one in sent]
    content = {"release": "run-1", "recordings": words_said}
    store.put_json(layout.labelled(NAME, "run-1", "x"), content)
    store.put_json(layout.verdict(NAME, "v3"), {"device": "d3"})
    store.put_json(layout.verdict(NAME, "v4"), {"device": "d4"})
    everything = [*sent, *more, *bad, *waiting, *all_bad]
    return {
        "versions": [first, second, third],
        "set": said,
        "mine": of(TEST_MACHINE, everything),
        "others": [one for one in everything if one.machine_id != TEST_MACHINE],
        "good": [*sent, *more],
    }


def mislabelled(one: Recording) -> Recording:
    return Recording(**{**vars(one), "label": "cage"})


def _predictions(store: Store, version: str) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    sink = io.BytesIO()
    parquet.write_table(pa.table({"machine_id": [TEST_MACHINE, OTHER], "logits": [1, 2]}), sink)
    store.put(layout.predictions_shard(NAME, version, "run-1", "0000"), sink.getvalue())
    store.put_json(layout.predictions_summary(NAME, version, "run-1"), {"parts": {}})


def asked(store: Store, machine: str = TEST_MACHINE) -> str:
    remember(store, NAME, machine)
    return ask(store, NAME, "forget", "ada", machine).id
