"""The lineage of one thing: what it is made from, down to recordings, and what was made from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from tinyops.data.datasets.dataset import Dataset
from tinyops.data.datasets.index import IndexRow
from tinyops.data.labels.labels import Label, accepted_sets, newest_labels
from tinyops.lineage.find import Found
from tinyops.lineage.records import DeviceRecord, Records
from tinyops.lineage.tree import Node

FROM, USED = "made from", "used in"


def trace(found: Found) -> Node:
    """The tree of a thing: children with the role `made from` lead back, `used in` forward."""
    build: dict[str, Callable[[Records, str], Node]] = {
        "release": _release,
        "candidate": _candidate,
        "dataset": _dataset,
        "recording": _recording,
        "machine": _machine,
        "device": _device,
    }
    return build[found.kind](found.records, found.name)


def _release(records: Records, name: str) -> Node:
    return _release_node(records, name, "", (_candidate_back(records, name), *_runs(records, name)))


def _candidate(records: Records, name: str) -> Node:
    back = _dataset_back(records, records.candidates[name].dataset)
    return _candidate_node(records, name, "", (back, *_released(records, name)))


def _dataset(records: Records, name: str) -> Node:
    made = _dataset_back(records, name)
    used = _trained(records, [name])
    return Node("dataset", name, "", made.facts, (*made.children, *used))


def _device(records: Records, name: str) -> Node:
    device = records.devices.get(name)
    children: list[Node] = []
    if device is not None:
        release = device.runs or device.confirmed
        if release in records.releases:
            back = _candidate_back(records, release)
            children.append(_release_node(records, release, FROM, (back,)))
        elif release:
            children.append(Node("release", release, FROM, {"problem": "not in S3"}))
    held = records.holding(lambda row: row.device_id == name)
    if held:
        children += _recordings_and_use(records, held)
    return Node("device", name, "", _device_facts(device), tuple(children))


def _machine(records: Records, name: str) -> Node:
    held = records.holding(lambda row: row.machine_id == name)
    facts = {
        "recordings": sum(len(rows) for rows in held.values()),
        "devices": sorted({row.device_id for rows in held.values() for row in rows}),
    }
    return Node("machine", name, "", facts, tuple(_recordings_and_use(records, held)))


def _recording(records: Records, name: str) -> Node:
    held = records.holding(lambda row: row.recording_id == name)
    (row,) = next(iter(held.values()))
    facts = {
        "machine": row.machine_id,
        "device": row.device_id,
        "recorded_at": row.recorded_at,
        "seconds": row.seconds,
        "batches": [records.files[sha256].batch for sha256 in held],
    }
    back = _label_nodes(records, row)
    return Node("recording", name, "", facts, (*back, *_used(records, held)))


def _recordings_and_use(records: Records, held: dict[str, list[IndexRow]]) -> list[Node]:
    """Recordings by batch as what a thing has given, and the versions that they are in."""
    words = newest_labels(accepted_sets(records.store, records.project))
    given = [
        Node(
            "batch",
            records.files[sha256].batch,
            "sent in",
            {"recordings": len(rows)},
            tuple(_recording_node(row, words) for row in rows),
        )
        for sha256, rows in held.items()
    ]
    return [*given, *_used(records, held)]


def _used(records: Records, held: dict[str, list[IndexRow]]) -> list[Node]:
    """Versions that hold any of these recordings, with what was trained on them."""
    versions = [
        one.version for one in records.versions.values() if not held.keys().isdisjoint(one.files)
    ]
    nodes = []
    for version in sorted(versions, key=lambda name: records.versions[name].created_at):
        dataset = records.dataset(version)
        rows = [row for sha256 in records.versions[version].files for row in held.get(sha256, ())]
        parts = dict(Counter(dataset.part_of(row) for row in rows))
        facts = _version_facts(records, version) | {"parts": parts}
        nodes.append(Node("dataset", version, USED, facts, tuple(_trained(records, [version]))))
    return nodes


def _trained(records: Records, versions: Iterable[str]) -> list[Node]:
    wanted = set(versions)
    return [
        _candidate_node(records, run, USED, tuple(_released(records, run)))
        for run, one in records.candidates.items()
        if one.dataset in wanted
    ]


def _released(records: Records, run: str) -> list[Node]:
    return [
        _release_node(records, name, USED, tuple(_runs(records, name)))
        for name, one in records.releases.items()
        if one.candidate == run
    ]


def _runs(records: Records, release: str) -> list[Node]:
    return [
        Node("device", name, USED, _device_facts(one))
        for name, one in records.devices.items()
        if release in (one.runs, one.confirmed)
    ]


def _candidate_back(records: Records, release: str) -> Node:
    run = records.releases[release].candidate
    if run not in records.candidates:
        return Node("candidate", run, FROM, {"problem": "not in S3"})
    back = _dataset_back(records, records.candidates[run].dataset)
    return _candidate_node(records, run, FROM, (back,))


def _dataset_back(records: Records, version: str) -> Node:
    """A version with its batches and, below them, every recording with its label."""
    if version not in records.versions:
        return Node("dataset", version, FROM, {"problem": "not in S3"})
    dataset = records.dataset(version)
    words = newest_labels(accepted_sets(records.store, records.project))
    by_batch: dict[str, list[Node]] = {entry["batch"]: [] for entry in dataset.manifest["batches"]}
    for file, rows in dataset.index_by_file():
        known = (_recording_node(row, words, dataset) for row in rows)
        by_batch.setdefault(file["batch"], []).extend(known)
    entries = {entry["batch"]: entry for entry in dataset.manifest["batches"]}
    batches = []
    for batch, recordings in by_batch.items():
        facts = {"recordings": len(recordings)}
        kept = ("source", "simulated", "accepted", "refused", "note", "request")
        facts |= {name: entries[batch][name] for name in kept if name in entries.get(batch, {})}
        batches.append(Node("batch", batch, FROM, facts, tuple(recordings)))
    return Node("dataset", version, FROM, _version_facts(records, version), tuple(batches))


def _recording_node(row: IndexRow, words: dict[str, Label], dataset: Dataset | None = None) -> Node:
    facts: dict[str, Any] = {"machine": row.machine_id, "label": row.label}
    if dataset is not None:
        facts["part"] = dataset.part_of(row)
    word = words.get(row.recording_id)
    if word is not None:
        facts |= {"said": word.label, "by": word.author, "label_set": word.set_id}
    return Node("recording", row.recording_id, FROM, facts)


def _label_nodes(records: Records, row: IndexRow) -> list[Node]:
    came = Node("label", row.label, FROM, {"source": "batch", "author": "", "at": ""})
    said = [
        Node(
            "label",
            word.label,
            FROM,
            {
                "source": one.source,
                "author": one.author,
                "at": one.at.isoformat(),
                "set": set_id,
                "request": one.request,
            },
        )
        for set_id, one in accepted_sets(records.store, records.project).items()
        for word in one.labels
        if word.recording_id == row.recording_id
    ]
    return [came, *said]


def _release_node(records: Records, name: str, role: str, children: tuple[Node, ...]) -> Node:
    return Node("release", name, role, {"created": records.releases[name].created}, children)


def _candidate_node(records: Records, name: str, role: str, children: tuple[Node, ...]) -> Node:
    one = records.candidates[name]
    facts: dict[str, Any] = {"status": one.status, "simulated": one.simulated}
    if one.forgotten:
        facts["forgotten"] = one.forgotten
    return Node("candidate", name, role, facts, children)


def _version_facts(records: Records, version: str) -> dict[str, Any]:
    one = records.versions[version]
    facts: dict[str, Any] = {"created_at": one.created_at, "simulated": one.simulated}
    if one.removed:
        facts["removed"] = one.removed
    if one.forgotten:
        facts["forgotten"] = one.forgotten
    return facts


def _device_facts(device: DeviceRecord | None) -> dict[str, Any]:
    if device is None:
        return {"problem": "no gateway speaks of it"}
    return {
        "gateway": device.gateway,
        "board": device.board,
        "target": device.target,
        "attested": device.runs,
        "confirmed": device.confirmed,
        "at": device.at,
    }
