"""Requests to remove something: whoever asks writes one, the ingest DAG carries it out.

Ingest alone writes and deletes what is below `datasets/`, `incoming/` and `labels/`, one run at a
time, so nothing is removed under the hands of a run that is about to refer to it (ADR 13).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

from tinyops.errors import TinyOpsError
from tinyops.store import Consumer, ObjectMissing, Store, content_id, layout, receipts

UpkeepKind = Literal["forget", "retention"]


class UpkeepError(TinyOpsError):
    """A request cannot be made or carried out."""


@dataclass(frozen=True)
class UpkeepRequest:
    """What is asked for; `machine` is whom to forget and is empty for retention."""

    id: str
    kind: UpkeepKind
    by: str
    at: str
    machine: str = ""


def ask(store: Store, project: str, kind: UpkeepKind, by: str, machine: str = "") -> UpkeepRequest:
    """Write a request; one of the same kind (and machine) that waits is taken instead."""
    for name in outstanding_requests(store, project):
        waiting = read_request(store, project, name)
        if (waiting.kind, waiting.machine) == (kind, machine):
            return waiting
    at = datetime.now(UTC)
    name = f"{kind}-{at:%Y%m%dT%H%M%SZ}-{content_id([machine, at.isoformat()], 6)}"
    request = UpkeepRequest(name, kind, by, at.isoformat(), machine)
    store.put_json(layout.request(project, name), asdict(request))
    return request


def outstanding_requests(store: Store, project: str) -> list[str]:
    """Ids of requests that were not carried out, oldest first."""
    there = sorted(
        (row.last_modified, request)
        for row in store.objects(layout.requests(project))
        if (request := layout.request_id(project, row.key)) is not None
    )
    done = receipts.handled(store, project, Consumer.UPKEEP) if there else set()
    return [name for _, name in there if name not in done]


def read_request(store: Store, project: str, request: str) -> UpkeepRequest:
    """A request by its id.

    Raises
    ------
    UpkeepError
        There is no such request, or it is not one.
    """
    key = layout.request(project, request)
    try:
        found = UpkeepRequest(**store.get_json(key))
    except ObjectMissing:
        raise UpkeepError(f"{project} has no request {request!r}", "ask again") from None
    except TypeError:
        found = None
    if found is None or found.id != request or found.kind not in get_args(UpkeepKind):
        raise UpkeepError(f"{store.uri(key)} is no request", "remove it and ask again")
    return found
