"""Carry out what people and `tinyops__maintain` ask to have removed; called by the ingest DAG."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tinyops.data.ingest.upkeep import ask, outstanding_requests, read_request
from tinyops.projects import Project
from tinyops.projects.dag_ids import MAINTAIN
from tinyops.retention.forget import forget
from tinyops.retention.retention import apply_retention, plan_retention
from tinyops.retention.withdraw import withdraw_images
from tinyops.store import Consumer, Pointer, Receipt, Store, layout, receipts

log = logging.getLogger(__name__)

EVERY = timedelta(days=1)
"""Between two looks at what is old: listing everything costs requests."""


def carry_out(
    store: Store, project: Project, request_id: str, say: Callable[[str], None] = log.info
) -> dict[str, Any]:
    """Carry out one request; one with a receipt is not looked at again.

    The receipt comes before the request goes, which may name a machine: cut off between the two,
    the next call removes what is left.

    Returns
    -------
    dict
        The report of what was removed, with `uri`; only `uri` for a request that was done before.

    Raises
    ------
    UpkeepError
        There is no such request.
    StoreUnavailable
        S3 does not answer; worth another try.
    """
    receipt = receipts.read(store, project.name, Consumer.UPKEEP, request_id)
    if receipt is not None:
        _drop(store, project.name, request_id)
        return {"uri": receipt.output}
    request = read_request(store, project.name, request_id)
    if request.kind == "forget":
        result = forget(store, project, request, say)
    else:
        result = apply_retention(store, project, request_id)
    done = Receipt(Consumer.UPKEEP, request_id, "done", output=result["uri"])
    receipts.write(store, project.name, done)
    _drop(store, project.name, request_id)
    return result


def carry_out_all(store: Store, project: Project) -> dict[str, dict[str, Any]]:
    """Carry out every outstanding request, oldest first: {request: report}."""
    return {
        name: carry_out(store, project, name) for name in outstanding_requests(store, project.name)
    }


def look_daily(
    store: Store, project: Project, now: datetime | None = None
) -> dict[str, Any] | None:
    """Once a day, have ingest remove what is old and withdraw images that nothing needs any more.

    Returns
    -------
    {at, request: id or "", bytes that may go, withdrawn, waiting: see `withdraw_images`}, or None
    within a day of the last look
    """
    now = now or datetime.now(UTC)
    key = layout.pointer(project.name, Pointer.RETENTION)
    looked: dict[str, Any] = store.get_json_or(key, {})
    if looked and now - datetime.fromisoformat(looked["at"]) < EVERY:
        return None
    plan = plan_retention(store, project, now)
    request = ""
    if plan.items:
        request = ask(store, project.name, "retention", by=MAINTAIN).id
    content = {"at": now.isoformat(), "request": request, "bytes": plan.bytes}
    content |= withdraw_images(store, project.name)
    store.put_json(key, content)
    return content


def _drop(store: Store, project: str, request_id: str) -> None:
    for key in (layout.request_plan(project, request_id), layout.request(project, request_id)):
        store.delete(key)
