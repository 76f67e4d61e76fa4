"""What a word names: a release, candidate, dataset version, recording, machine or device."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tinyops.data.datasets.find_version import CURRENT, find_version
from tinyops.data.datasets.index import IndexRow
from tinyops.errors import TinyOpsError
from tinyops.lineage.records import Records
from tinyops.store import layout

Kind = Literal["release", "candidate", "dataset", "recording", "machine", "device"]
KINDS: tuple[Kind, ...] = ("release", "candidate", "dataset", "recording", "machine", "device")

_LEAST = 4
"""A shorter word is not taken for the beginning of a version's name."""


class LineageError(TinyOpsError):
    """A word names nothing, or several things."""


@dataclass(frozen=True)
class Found:
    """A thing by its whole name, and the records of its project."""

    kind: Kind
    name: str
    records: Records


def find(projects: Iterable[Records], word: str, kind: Kind | None = None) -> Found:
    """The one thing that a word names in these projects.

    A release and its candidate have one name: the word means the release, whose lineage holds the
    candidate.

    Raises
    ------
    LineageError
        Nothing or several things have that name; lists what they are.
    """
    known = list(projects)
    found = [
        Found(one, name, records)
        for records in known
        for one, name in _kinds(records, word)
        if kind in (None, one)
    ]
    if kind is None:
        released = {(one.records.project, one.name) for one in found if one.kind == "release"}
        found = [
            one
            for one in found
            if one.kind != "candidate" or (one.records.project, one.name) not in released
        ]
    if not found:
        names = ", ".join(records.project for records in known) or "no project"
        raise LineageError(
            f"no {kind or 'release, candidate, dataset, recording, machine or device'} {word!r} "
            f"in {names}",
            "see `tinyops data log`, `tinyops data show` or `tinyops gateway status` for names",
        )
    if len(found) > 1:
        said = ", ".join(f"{one.kind} {one.name} of {one.records.project}" for one in found)
        raise LineageError(
            f"{word!r} names several things: {said}", "choose by --kind and --project"
        )
    return found[0]


def _kinds(records: Records, word: str) -> list[tuple[Kind, str]]:
    found: list[tuple[Kind, str]] = []
    store, project = records.store, records.project
    if layout.is_safe(word):
        if store.exists(layout.release_manifest(project, word)):
            found.append(("release", word))
        if store.exists(layout.candidate_manifest(project, word)):
            found.append(("candidate", word))
    if word == CURRENT:
        return [*found, ("dataset", find_version(store, project, word))]
    versions = [
        name
        for name in records.versions
        if name == word or (len(word) >= _LEAST and name.startswith(word))
    ]
    found += [("dataset", name) for name in versions]
    in_index = _in_index(records, word)
    found += [(kind, word) for kind in ("recording", "machine") if kind in in_index]
    if word in records.devices or "device" in in_index:
        found.append(("device", word))
    return found


def _in_index(records: Records, word: str) -> set[str]:
    found: set[str] = set()

    def wanted(row: IndexRow) -> bool:
        names = {
            "recording": row.recording_id,
            "machine": row.machine_id,
            "device": row.device_id,
        }
        found.update(kind for kind, name in names.items() if name == word)
        return False

    records.holding(wanted)
    return found
