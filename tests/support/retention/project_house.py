"""A project in S3 with batches, dataset versions, labels, candidates, releases and devices.

Recordings are noise; golden, proof and reference windows are made from them by the functions that
training calls, only the fitting is left out: nothing here asks what the model says.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from tests.support.candidate_maker import make_candidate
from tinyops.conversion.candidates.candidate import read_candidate
from tinyops.conversion.candidates.write import Candidate, write_candidate
from tinyops.data.datasets.dataset import open_dataset
from tinyops.data.ingest.batch import publish_batch
from tinyops.data.ingest.ingest import ingest_batch
from tinyops.data.ingest.relabel import apply_labels
from tinyops.data.labels.label_set import LabelRow, LabelSet, publish_labels
from tinyops.data.recordings import Recording
from tinyops.frontend import from_project
from tinyops.projects import Project, Signal, load_project
from tinyops.projects.schema import Split
from tinyops.store import Consumer, Pointer, Receipt, Store, edge_layout, layout, receipts
from tinyops.training.reference_windows import reference_windows
from tinyops.training.windows import golden_windows, spread, windows_of

_FULL = load_project("motor_health")
PROJECT: Project = _FULL.model_copy(
    update={
        "signal": Signal(
            channels=["radial"],
            unit="m/s^2",
            rate_hz=20000,
            window=2048,
            hop=2048,
            full_scale=[500.0],
        ),
        "split": Split(salt="3"),
    }
)
NAME = PROJECT.name
TEST_MACHINE, TRAIN_MACHINE = "m3", "m0"
"""With the salt above; a test holds them to it."""
START = datetime(2026, 1, 1, tzinfo=UTC)


def fleet(batch: str, machines: range) -> list[Recording]:
    """Two windows of every class of every machine; each machine has a device of its own."""
    return [
        _recording(f"{batch}-m{number}-{label}", f"m{number}", f"d{number}", label)
        for number in machines
        for label in PROJECT.labels
    ]


def three_machines(batch: str) -> list[Recording]:
    """As few as can be split: one each in training, validation and test."""
    three = (TRAIN_MACHINE, "m1", TEST_MACHINE)
    return [one for one in fleet(batch, range(4)) if one.machine_id in three]


def take_in(store: Store, batch: str, recordings: list[Recording], **more: Any) -> str:
    """Publish and ingest a batch; the new version."""
    publish_batch(store, PROJECT, batch, recordings, **more)
    answer = ingest_batch(store, PROJECT, batch)
    assert answer["status"] == "accepted", answer["reason"]
    return str(answer["dataset"])


def ingested(store: Store) -> str:
    """The version of `three_machines("b0")` alone."""
    return take_in(store, "b0", three_machines("b0"))


def label(store: Store, recording: str, name: str, author: str = "ada") -> tuple[str, str]:
    """One word about a recording, applied: (set, new version)."""
    said = LabelSet(
        project=NAME,
        source="operator",
        author=author,
        at=datetime.now(UTC),
        labels=(LabelRow(recording_id=recording, label=name),),
    )
    publish_labels(store, PROJECT, said)
    return said.id, str(apply_labels(store, PROJECT, said.id)["dataset"])


def made_candidate(store: Store, run: str, dataset: str, status: str = "first") -> Candidate:
    """What training makes of a version, but for the weights."""
    data = open_dataset(store, PROJECT, dataset)
    frontend = from_project(PROJECT.frontend, PROJECT.signal)
    test = windows_of(data.recordings("test"), PROJECT, frontend)
    windows, labels = golden_windows(data.recordings("test"), PROJECT)
    worst = str(test.groups[0])
    return make_candidate(
        NAME,
        run,
        dataset,
        PROJECT.labels,
        model=b"the weights",
        frontend=frontend,
        golden=windows,
        golden_labels=labels,
        proof_inputs=spread(test.features, 64),
        reference=reference_windows(data, PROJECT, frontend),
        scores={"int8": {"worst_group": worst, "per_group": {worst: 0.5}}},
        card=f"# Card\n\n| worst group |\n| --- |\n| {worst} (0.500) |\n",
        status=status,
        metrics={"macro_f1": 0.9, "worst_group": worst},
    )


def candidate(store: Store, run: str, dataset: str, status: str = "first") -> None:
    """What training leaves of a version, and its receipt; the pointer where it is accepted."""
    write_candidate(store, made_candidate(store, run, dataset, status))
    if status != "worse":
        content = {"version": run, "dataset": dataset}
        store.put_json(layout.pointer(NAME, Pointer.CANDIDATE), content)
    receipts.write(store, NAME, Receipt(Consumer.TRAIN, dataset, "done", output=run))


def release(store: Store, run: str, dataset: str) -> None:
    """A staged release: its image holds golden windows, as real ones do."""
    golden = read_candidate(store, NAME, run).golden
    folder = layout.release(NAME, run)
    store.put(folder + layout.image_name("virtual"), b"image" + golden.astype("<i2").tobytes())
    content = {"project": NAME, "version": run, "dataset": dataset, "created": "2026-02-01"}
    store.put_json(layout.release_manifest(NAME, run), content)
    store.put_json(layout.pointer(NAME, Pointer.RELEASE), {"version": run})
    receipts.write(store, NAME, Receipt(Consumer.RELEASE, run, "done", output=run))


def champion(store: Store, run: str) -> None:
    """The release that boards attest."""
    store.put_json(layout.pointer(NAME, Pointer.CHAMPION), {"version": run, "candidate": run})


def gateway(store: Store, name: str, runs: dict[str, str]) -> None:
    """A gateway whose devices attest these releases ("" for none)."""
    devices = {
        device: {
            "board": "nano33ble-sense",
            "project": NAME,
            "target": "mps2-an386-virtual",
            "confirmed": version,
            "runs": {"project": NAME, "version": version} if version else None,
        }
        for device, version in runs.items()
    }
    content = {"gateway": name, "at": "2026-02-02T00:00:00+00:00", "devices": devices}
    store.put_json(edge_layout.gateway_status(name), content)


def _recording(name: str, machine: str, device: str, label: str) -> Recording:
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    shape = (1, 2 * PROJECT.signal.window)
    return Recording(
        recording_id=name,
        machine_id=machine,
        device_id=device,
        sensor=PROJECT.sensor,
        recorded_at=START + timedelta(seconds=seed % 10_000_000),
        rate_hz=PROJECT.signal.rate_hz,
        channels=tuple(PROJECT.signal.channels),
        unit=PROJECT.signal.unit,
        signal=np.random.default_rng(seed).normal(0, 20, shape).astype(np.float32),
        label=label,
    )
