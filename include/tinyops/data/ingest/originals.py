"""Foreign files that a batch consists of, as `batch.json` lists them: `said` and `originals`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import (
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from pydantic.dataclasses import dataclass

from tinyops.data.recordings.importers import SUFFIXES, ImportRefused
from tinyops.data.recordings.importers.capture import LIMIT_BYTES
from tinyops.data.recordings.importers.description import schema
from tinyops.errors import TinyOpsError
from tinyops.store import layout
from tinyops.wrong_key import wrong_key

_PARTS = 3
_PART_BYTES = 200
_SOME_OF_IT = {key: value for key, value in schema().items() if key != "required"}
Said = Annotated[dict[str, Any], WithJsonSchema(_SOME_OF_IT)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Original:
    """One foreign file of a batch.

    Parameters
    ----------
    name
        Its key below the batch's folder.
    size, sha256
        In bytes; of the whole file.
    path
        What the file was called, with up to two folders: they fill {stem}, {folder}, {parent}. By
        default `name`.
    modified_at
        ISO 8601 with a zone; for `recorded_at: file`.
    said
        What is said of this file alone; goes before what is said of all.
    """

    name: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    size: Annotated[int, Field(ge=0, strict=True)]
    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
    path: Annotated[str, StringConstraints(max_length=4096)] = ""
    modified_at: Annotated[str, StringConstraints(max_length=64)] = ""
    said: Said = field(default_factory=dict)

    def local_path(self) -> PurePosixPath:
        """Where the file is put to be read, below a folder of its own.

        Raises
        ------
        ImportRefused
            The path climbs out of its folder, is too long, or holds what no name holds.
        """
        path = self.path or self.name
        parts = path.split("/")
        if len(parts) > _PARTS or not all(_is_plain(part) for part in parts):
            shown = ascii(path) if len(path) < _PART_BYTES else f"{path[:40]!a}…"
            raise ImportRefused(
                f"{shown} is no name of a file",
                f"give at most two folders and a name, each of 1 to {_PART_BYTES} bytes, no .. "
                "and nothing that does not print",
            )
        return PurePosixPath(*parts)


@dataclass(frozen=True)
class Originals:
    """All foreign files of a batch, and what is said of each of them."""

    said: Said
    originals: Annotated[tuple[Original, ...], Field(min_length=1)]


@dataclass(frozen=True)
class Lot:
    """Foreign files that are imported together: small ones share a file of recordings."""

    name: str
    said: dict[str, Any]
    originals: tuple[Original, ...]

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(original.size for original in self.originals)


def lots_of(listed: Originals, most: int) -> tuple[Lot, ...]:
    """The foreign files in lots of at most `most` bytes, or of one file; in their order."""
    groups: list[list[Original]] = [[]]
    size = 0
    for original in listed.originals:
        if groups[-1] and size + original.size > most:
            groups.append([])
            size = 0
        groups[-1].append(original)
        size += original.size
    return tuple(
        Lot(f"originals-{number:05d}", listed.said, tuple(group))
        for number, group in enumerate(groups, 1)
    )


_ADAPTER = TypeAdapter(Originals)


def originals_of(content: Mapping[str, Any]) -> Originals:
    """The foreign files of a `batch.json`.

    Raises
    ------
    TinyOpsError
        A key is missing or of another type: names it.
    """
    try:
        return _ADAPTER.validate_python({key: content.get(key) for key in ("said", "originals")})
    except ValidationError as error:
        key, message, _ = wrong_key(error)
        raise TinyOpsError(f"{key}: {message}", "see docs/batch.schema.json") from None


def original_of(path: Path, sha256: str) -> Original:
    """The entry of a file that is to be handed in; its key is its content's hash.

    Raises
    ------
    ImportRefused
        Of a kind that cannot be read, empty, too large, or with a name that cannot be told.
    """
    facts = path.stat()
    if path.suffix.lower() not in SUFFIXES:
        raise ImportRefused(
            f"{path.name}: unknown kind of file", f"give one of: {', '.join(SUFFIXES)}"
        )
    if not 0 < facts.st_size <= LIMIT_BYTES:
        raise ImportRefused(
            f"{path.name}: {facts.st_size:,} bytes, 1 to {LIMIT_BYTES:,} are read",
            "cut it into several files" if facts.st_size else "send it again",
        )
    original = Original(
        name=layout.original_name(sha256, path.suffix.lower()),
        size=facts.st_size,
        sha256=sha256,
        path="/".join(path.absolute().parts[1:][-_PARTS:]),
        modified_at=datetime.fromtimestamp(facts.st_mtime, UTC).isoformat(),
    )
    original.local_path()
    return original


def batch_schema() -> dict[str, Any]:
    """JSON schema of the `batch.json` of a batch of foreign files."""
    made = _ADAPTER.json_schema()
    text = {"type": "string"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "batch.json of foreign files",
        "type": "object",
        "required": ["source", "simulated", *made["required"]],
        "properties": {
            "batch": text,
            "source": text,
            "simulated": {"type": "boolean"},
            "note": text,
            "request": text,
            "created_at": text,
            **made["properties"],
        },
        "$defs": made["$defs"],
    }


def _is_plain(part: str) -> bool:
    if part in ("", ".", "..") or not part.isprintable():
        return False
    try:
        return len(part.encode()) <= _PART_BYTES
    except UnicodeEncodeError:
        return False
