"""Dataset versions: immutable, content-addressed, read recording by recording."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from tinyops.data.datasets.cache import cached
from tinyops.data.datasets.index import IndexRow, read_index
from tinyops.data.datasets.split import Part, find_group, group_facts
from tinyops.data.recordings.parquet import read_recordings, row_groups
from tinyops.data.recordings.recording import Recording
from tinyops.errors import TinyOpsError
from tinyops.projects import Project
from tinyops.projects.schema import Split
from tinyops.store import ObjectMissing, Pointer, Store, layout, sha256_hex


class DatasetError(TinyOpsError):
    """There is no such dataset version, or its manifest is not one."""


@dataclass(frozen=True)
class Dataset:
    """One version; `manifest` is the content of manifest.json."""

    store: Store
    manifest: dict[str, Any]

    @property
    def version(self) -> str:
        """The version's id."""
        return str(self.manifest["version"])

    @cached_property
    def split(self) -> Split:
        """The split configuration this version was made with."""
        return Split.model_validate(self.manifest["split"]["config"])

    def groups(self, part: Part) -> list[str]:
        """The groups of a part, sorted."""
        return sorted(g for g, placed in self.manifest["split"]["groups"].items() if placed == part)

    def part_of(self, row: IndexRow | Recording) -> Part:
        """The part that a recording of this version is in."""
        group = find_group(self.split, *group_facts(row))
        part: Part = self.manifest["split"]["groups"][group]
        return part

    def recordings(
        self, part: Part | None = None, only: Container[str] | None = None
    ) -> Iterator[Recording]:
        """The recordings of a part (of all without one), one at a time, in the order of arrival.

        With `only`, those of these ids. Files that hold none are not fetched, and row groups that
        hold none are not read.
        """
        for file in self.manifest["files"]:
            wanted = [
                (only is None or row.recording_id in only)
                and (part is None or self.part_of(row) == part)
                for row in self._rows(file)
            ]
            if not any(wanted):
                continue
            path = cached(self.store, file["key"], file["sha256"])
            groups, rows = _holding(row_groups(path), wanted)
            for recording, said in zip(read_recordings(path, groups), rows, strict=True):
                if said:
                    name = recording.recording_id
                    yield replace(recording, label=self.relabelled.get(name, recording.label))

    def index_by_file(self) -> Iterator[tuple[dict[str, Any], list[IndexRow]]]:
        """Each file of the manifest with what is known of its recordings."""
        for file in self.manifest["files"]:
            yield (
                file,
                [
                    replace(row, label=self.relabelled.get(row.recording_id, row.label))
                    for row in self._rows(file)
                ],
            )

    def index(self) -> list[IndexRow]:
        """What is known of each recording without its samples."""
        return [row for _, rows in self.index_by_file() for row in rows]

    @cached_property
    def relabelled(self) -> dict[str, str]:
        """Recording id -> the label that supersedes the one it came with."""
        said = self.manifest.get("relabelled")
        if said is None:
            return {}
        text = self.store.get(said["key"])
        if sha256_hex(text) != said["sha256"]:
            raise DatasetError(
                f"{self.store.uri(said['key'])} is not what manifest {self.version} says",
                "restore the object from a backup",
            )
        return {name: word["label"] for name, word in json.loads(text).items()}

    def _rows(self, file: dict[str, Any]) -> list[IndexRow]:
        return read_index(cached(self.store, file["index_key"], file["index_sha256"]))


def current_version(store: Store, project: Project | str) -> str | None:
    """The version that the pointer `dataset` names, or None before the first."""
    content = store.get_json_or(layout.pointer(_name(project), Pointer.DATASET), None)
    return str(content["version"]) if content else None


def unfit_dataset(store: Store, project: Project | str) -> str:
    """Reason why nothing can be trained on the current version, with the fix; "" if it can, or
    before the first."""
    version = current_version(store, project)
    return str(read_manifest(store, project, version).get("unfit", "")) if version else ""


def read_manifest(store: Store, project: Project | str, version: str) -> dict[str, Any]:
    """The manifest of a version, also of one whose recordings are gone.

    Raises
    ------
    DatasetError
        There is no complete version of that name.
    """
    key = layout.dataset_manifest(_name(project), version)
    try:
        manifest: dict[str, Any] = store.get_json(key)
    except ObjectMissing:
        raise DatasetError(
            f"{_name(project)} has no dataset version {version!r}",
            "see `tinyops data log` for those there are",
        ) from None
    if not isinstance(manifest, dict) or manifest.get("version") != version:
        raise DatasetError(f"{store.uri(key)} is no manifest of {version!r}", "restore it")
    return manifest


def open_dataset(store: Store, project: Project | str, version: str) -> Dataset:
    """Open a version.

    Raises
    ------
    DatasetError
        There is no complete version of that name, or retention has removed its recordings.
    """
    manifest = read_manifest(store, project, version)
    if removed := manifest.get("removed"):
        raise DatasetError(
            f"recordings of dataset version {version} were removed: {removed['why']}",
            "use a version that is kept, see `tinyops data log`",
        )
    return Dataset(store, manifest)


def keys_of(manifest: Mapping[str, Any]) -> set[str]:
    """Keys of all objects that a manifest refers to: files, their indices, labels."""
    keys = {str(file[name]) for file in manifest.get("files", ()) for name in ("key", "index_key")}
    labels = manifest.get("relabelled")
    return keys | {str(labels["key"])} if labels else keys


def _name(project: Project | str) -> str:
    return project if isinstance(project, str) else project.name


def _holding(groups: list[int], wanted: list[bool]) -> tuple[list[int], list[bool]]:
    """Row groups that hold a wanted row, and for each of their rows whether it is wanted."""
    found: list[int] = []
    rows: list[bool] = []
    start = 0
    for number, count in enumerate(groups):
        part = wanted[start : start + count]
        start += count
        if any(part):
            found.append(number)
            rows += part
    return found, rows
