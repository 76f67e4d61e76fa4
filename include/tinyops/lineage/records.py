"""What a project has in S3 as small records: versions, candidates, releases, devices.

Manifests are read one at a time and of each only what joins it to others is kept; of recordings the
index alone is read, each file once however many versions share it. Samples are never read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tinyops.data.datasets.cache import cached
from tinyops.data.datasets.dataset import Dataset, DatasetError, read_manifest
from tinyops.data.datasets.find_version import version_names
from tinyops.data.datasets.index import IndexRow, read_index
from tinyops.fleet.reports import read_gateway_reports
from tinyops.store import Store, layout


@dataclass(frozen=True)
class VersionRecord:
    """A dataset version; `files` are hashes, `removed` says why its recordings are gone, or ""."""

    version: str
    parent: str | None
    created_at: str
    simulated: bool
    files: tuple[str, ...]
    removed: str
    forgotten: int


@dataclass(frozen=True)
class DataFile:
    """A file of recordings that versions share, and the batch that it came in."""

    sha256: str
    key: str
    index_sha256: str
    index_key: str
    batch: str


@dataclass(frozen=True)
class CandidateRecord:
    """A training run's result; `forgotten` counts machines it learnt from that were forgotten."""

    run: str
    dataset: str
    status: str
    simulated: bool
    forgotten: int


@dataclass(frozen=True)
class ReleaseRecord:
    """A signed and staged release."""

    version: str
    candidate: str
    dataset: str
    created: str


@dataclass(frozen=True)
class DeviceRecord:
    """What a gateway last said of a device; `runs` is what it attested, "" where it did not."""

    device: str
    gateway: str
    board: str
    target: str
    confirmed: str
    runs: str
    at: str


@dataclass(frozen=True)
class Records:
    """The records of one project, each kind read when it is first asked for."""

    store: Store
    project: str

    @cached_property
    def versions(self) -> dict[str, VersionRecord]:
        """All versions with a manifest, by name."""
        return {record.version: record for record, _ in self._manifests}

    @cached_property
    def files(self) -> dict[str, DataFile]:
        """Every file that a version refers to, by hash."""
        return {file.sha256: file for _, files in self._manifests for file in files}

    @cached_property
    def candidates(self) -> dict[str, CandidateRecord]:
        """All complete candidates, by run."""
        found = {}
        for run in self.store.folders(layout.candidate(self.project)):
            content = self.store.get_json_or(layout.candidate_manifest(self.project, run), None)
            if content is not None:
                found[run] = CandidateRecord(
                    run=run,
                    dataset=str(content["dataset"]),
                    status=str(content.get("status", "")),
                    simulated=bool(content.get("simulated", False)),
                    forgotten=len(content.get("forgotten", ())),
                )
        return found

    @cached_property
    def releases(self) -> dict[str, ReleaseRecord]:
        """All staged releases, by version. A release is made from one candidate (ADR 3)."""
        found = {}
        for version in self.store.folders(layout.release(self.project)):
            content = self.store.get_json_or(layout.release_manifest(self.project, version), None)
            if content is not None:
                found[version] = ReleaseRecord(
                    version=version,
                    candidate=str(content.get("candidate") or version),
                    dataset=str(content.get("dataset", "")),
                    created=str(content.get("created", "")),
                )
        return found

    @cached_property
    def devices(self) -> dict[str, DeviceRecord]:
        """The project's devices that gateways report, by id."""
        return {one.device: one for one in self.reported}

    @cached_property
    def reported(self) -> list[DeviceRecord]:
        """Reports on the project's devices: several where more than one gateway lists a device."""
        found = []
        for gateway, report in read_gateway_reports(self.store).items():
            for device, row in report.devices.items():
                if row.project != self.project:
                    continue
                attested = row.runs is not None and row.runs.project == self.project
                one = DeviceRecord(
                    device=device,
                    gateway=gateway,
                    board=row.board,
                    target=row.target,
                    confirmed=row.confirmed,
                    runs=row.runs.version if row.runs and attested else "",
                    at=report.at,
                )
                found.append(one)
        return found

    def rows(self, file: DataFile) -> list[IndexRow]:
        """What is known of a file's recordings, under the labels that they came with."""
        return read_index(cached(self.store, file.index_key, file.index_sha256))

    def holding(self, wanted: Callable[[IndexRow], bool]) -> dict[str, list[IndexRow]]:
        """Hash of a file -> its rows that are wanted; files without any are left out."""
        found = {}
        for file in self.files.values():
            if rows := [row for row in self.rows(file) if wanted(row)]:
                found[file.sha256] = rows
        return found

    def dataset(self, version: str) -> Dataset:
        """A version to ask for parts and labels; of a removed one, what its manifest still says."""
        return Dataset(self.store, read_manifest(self.store, self.project, version))

    @cached_property
    def _manifests(self) -> list[tuple[VersionRecord, list[DataFile]]]:
        return list(self._read_manifests())

    def _read_manifests(self) -> Iterator[tuple[VersionRecord, list[DataFile]]]:
        seen: dict[str, DataFile] = {}
        for version in version_names(self.store, self.project):
            try:
                manifest = read_manifest(self.store, self.project, version)
            except DatasetError:
                continue  # Ingest was cut off before the manifest, or is about to write it.
            files = [seen.setdefault(file["sha256"], _file(file)) for file in manifest["files"]]
            yield _version(manifest, files), files


def _file(content: dict[str, Any]) -> DataFile:
    return DataFile(**{name: str(content[name]) for name in DataFile.__annotations__})


def _version(manifest: dict[str, Any], files: list[DataFile]) -> VersionRecord:
    return VersionRecord(
        version=manifest["version"],
        parent=manifest["parent"],
        created_at=manifest["created_at"],
        simulated=manifest["simulated"],
        files=tuple(file.sha256 for file in files),
        removed=(manifest.get("removed") or {"why": ""})["why"],
        forgotten=sum(one["recordings"] for one in manifest.get("forgotten", ())),
    )
