"""Hand in a batch of recordings: the file first, `batch.json` last as the ready mark."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tinyops.data.file_hash import file_sha256
from tinyops.data.parquet import write_recordings
from tinyops.data.recording import Recording
from tinyops.errors import TinyOpsError
from tinyops.projects import Project
from tinyops.store import Store, layout


class BatchError(TinyOpsError):
    """A batch cannot be handed in, or is not complete."""


@dataclass(frozen=True)
class Batch:
    """What `batch.json` says; `size` in bytes, `request` the label request that it answers."""

    batch: str
    sha256: str
    count: int
    size: int
    source: str
    simulated: bool
    note: str = ""
    request: str = ""
    created_at: str = ""


def publish_batch(
    store: Store,
    project: Project,
    batch_id: str,
    recordings: Iterable[Recording],
    note: str = "",
    *,
    source: str | None = None,
    request: str = "",
) -> str:
    """Write recordings to `incoming/`; nothing sees them before `batch.json` is there.

    Publishing the same content twice is harmless. Returns the URI of `batch.json`.

    Parameters
    ----------
    source
        Where the recordings come from, by default the project's `source`. The batch is called
        simulated when that source is, or when a recording has the condition `simulated: "true"`.
    request
        The label request that the batch answers.

    Raises
    ------
    BatchError
        A complete batch of that name exists with other content.
    TinyOpsError
        `batch_id` cannot be part of a key.
    """
    if not batch_id:
        raise BatchError("a batch needs a name", "give a batch id")
    ready = layout.batch_ready(project.name, batch_id)
    with tempfile.TemporaryDirectory(prefix="tinyops-batch-") as folder:
        path = Path(folder) / "recordings.parquet"
        simulated = [source is None and project.source.simulated]
        count = write_recordings(path, _watched(recordings, simulated))
        batch = Batch(
            batch=batch_id,
            sha256=file_sha256(path),
            count=count,
            size=path.stat().st_size,
            source=source or project.source.kind,
            simulated=any(simulated),
            note=note,
            request=request,
            created_at=datetime.now(UTC).isoformat(),
        )
        there = store.get_json_or(ready, None)
        if there is not None:
            if there.get("sha256") == batch.sha256:
                return store.uri(ready)
            raise BatchError(
                f"batch {batch_id!r} of {project.name} is published with other content",
                "choose another batch id; a published batch never changes",
            )
        store.upload(path, layout.batch_recordings(project.name, batch_id))
    return store.put_json(ready, asdict(batch))


def _watched(recordings: Iterable[Recording], simulated: list[bool]) -> Iterator[Recording]:
    for recording in recordings:
        if recording.conditions.get("simulated") == "true":
            simulated[0] = True
        yield recording


def parse_batch(content: Any, batch_id: str) -> Batch:
    """Check the content of a `batch.json`.

    Raises
    ------
    BatchError
        A key is missing or of another type; names it.
    """
    if not isinstance(content, dict):
        raise BatchError(f"batch {batch_id!r}: batch.json is no mapping", "publish it again")
    wanted = {"sha256": str, "count": int, "size": int, "source": str, "simulated": bool}
    for key, kind in wanted.items():
        if not isinstance(content.get(key), kind):
            raise BatchError(
                f"batch {batch_id!r}: batch.json: {key} is missing or no {kind.__name__}",
                "publish it again",
            )
    request = content.get("request", "")
    if not isinstance(request, str) or (request and not layout.is_safe(request)):
        raise BatchError(
            f"batch {batch_id!r}: batch.json: request: {request!r} cannot name a request",
            "publish it again",
        )
    return Batch(
        batch=batch_id,
        **{key: content[key] for key in wanted},
        note=str(content.get("note", "")),
        request=request,
        created_at=str(content.get("created_at", "")),
    )
