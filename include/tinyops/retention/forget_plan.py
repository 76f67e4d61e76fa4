"""What holds a machine's recordings, and what was made of them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tinyops.data.ingest.without_machines import recordings_of
from tinyops.data.recordings.parquet import ParquetError
from tinyops.lineage.records import Records
from tinyops.store import ObjectInfo, Store, layout


@dataclass(frozen=True)
class ForgetPlan:
    """All that is known before anything is removed, so that a run that was cut off can go on.

    Parameters
    ----------
    recordings
        Ids of the machine's recordings, wherever they are.
    versions
        Dataset versions that hold them, oldest first.
    files
        Hashes of the files, and of their index, that hold them.
    labels
        Keys of the labels that stand beside those files.
    batches
        Batches that they came in.
    candidates
        Trained on one of the versions; those in `tested` had the machine in their test part, so
        that their self-test holds windows of it.
    releases, running
        Made from these candidates; device -> release of those that run one.
    devices
        Devices of this machine and no other, as far as recordings tell.
    incoming, quarantine
        Keys of files that hold recordings of it.
    unreadable
        Keys of files that may hold some: nobody can tell.
    """

    machine: str
    recordings: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    batches: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    tested: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()
    running: dict[str, str] | None = None
    devices: tuple[str, ...] = ()
    incoming: tuple[str, ...] = ()
    quarantine: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON content; `from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> ForgetPlan:
        """The plan that `to_dict` wrote."""
        plain: dict[str, Any] = {
            key: tuple(v) if isinstance(v, list) else v for key, v in content.items()
        }
        return cls(**plain)


def plan_forget(store: Store, project: str, machine: str) -> ForgetPlan:
    """What datasets, candidates, releases and devices know of a machine; reads the index alone."""
    records = Records(store, project)
    owners: dict[str, set[str]] = {}
    held: dict[str, list[str]] = {}
    for file in records.files.values():
        for row in records.rows(file):
            owners.setdefault(row.device_id, set()).add(row.machine_id)
            if row.machine_id == machine:
                held.setdefault(file.sha256, []).append(row.recording_id)
    versions = sorted(
        (one for one in records.versions.values() if not held.keys().isdisjoint(one.files)),
        key=lambda one: one.created_at,
    )
    names = [one.version for one in versions]
    candidates = [run for run, one in records.candidates.items() if one.dataset in names]
    tested = [
        run for run in candidates if _tests(records, records.candidates[run].dataset, machine)
    ]
    releases = [name for name, one in records.releases.items() if one.candidate in candidates]
    running = {
        device: next(name for name in (one.runs, one.confirmed) if name in releases)
        for device, one in records.devices.items()
        if one.runs in releases or one.confirmed in releases
    }
    return ForgetPlan(
        machine=machine,
        recordings=tuple(sorted({name for found in held.values() for name in found})),
        versions=tuple(names),
        files=tuple(
            sha256
            for name in held
            for sha256 in (records.files[name].sha256, records.files[name].index_sha256)
        ),
        labels=tuple(sorted(_label_keys(records, names))),
        batches=tuple(dict.fromkeys(records.files[name].batch for name in held)),
        candidates=tuple(candidates),
        tested=tuple(tested),
        releases=tuple(releases),
        running=running,
        devices=tuple(sorted(name for name, own in owners.items() if own == {machine})),
    )


def search_files(store: Store, project: str, plan: ForgetPlan) -> ForgetPlan:
    """The plan with what `incoming/` and `quarantine/` hold; reads their files one by one."""
    recordings, unreadable = set(plan.recordings), []
    found: dict[str, list[str]] = {"incoming": [], "quarantine": []}
    prefixes = {"incoming": layout.incoming(project), "quarantine": layout.quarantines(project)}
    for kind, prefix in prefixes.items():
        for row in _parquet(store, prefix):
            with tempfile.TemporaryDirectory(prefix="tinyops-search-") as folder:
                path = store.download(row.key, Path(folder) / "file.parquet")
                try:
                    own = recordings_of(path, plan.machine)
                except ParquetError:
                    unreadable.append(row.key)
                    continue
            if own is not None:
                found[kind].append(row.key)
                recordings.update(own)
    return replace(
        plan,
        recordings=tuple(sorted(recordings)),
        incoming=tuple(found["incoming"]),
        quarantine=tuple(found["quarantine"]),
        unreadable=tuple(unreadable),
    )


def _parquet(store: Store, prefix: str) -> Iterator[ObjectInfo]:
    return (row for row in list(store.objects(prefix)) if layout.is_parquet(row.key))


def _tests(records: Records, version: str, machine: str) -> bool:
    dataset = records.dataset(version)
    return any(
        row.machine_id == machine and dataset.part_of(row) == "test" for row in dataset.index()
    )


def _label_keys(records: Records, versions: list[str]) -> set[str]:
    said = (records.dataset(version).manifest.get("relabelled") for version in versions)
    return {one["key"] for one in said if one}
