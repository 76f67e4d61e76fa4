"""Receipts: the proof that an input was handled.

An event wakes a DAG but is never its work list (events that arrive while a run is queued are lost,
seen in Airflow 3.3.2): outstanding work is whatever has no receipt.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from tinyops.store import layout
from tinyops.store.bucket import Store

Status = Literal["done", "quarantined", "refused", "skipped"]


@dataclass(frozen=True)
class Receipt:
    """What one consumer (a DAG's stage) did with one input."""

    consumer: str
    input_id: str
    status: Status
    output: str = ""
    reason: str = ""
    at: str = ""


def write(store: Store, project: str, receipt: Receipt) -> None:
    """Write a receipt; writing it twice is harmless."""
    content = asdict(receipt) | {"at": receipt.at or datetime.now(UTC).isoformat()}
    store.put_json(layout.receipt(project, receipt.consumer, receipt.input_id), content)


def read(store: Store, project: str, consumer: str, input_id: str) -> Receipt | None:
    """The receipt of one input, or None while it is outstanding."""
    content: dict[str, Any] | None = store.get_json_or(
        layout.receipt(project, consumer, input_id), None
    )
    return Receipt(**content) if content else None


def handled(store: Store, project: str, consumer: str, start: str = "") -> set[str]:
    """Ids of all inputs that have a receipt, or of those whose id starts with `start`."""
    prefix = layout.receipts(project, consumer)
    return {
        row.key.removeprefix(prefix).removesuffix(".json")
        for row in store.objects(prefix + start)
        if row.key.endswith(".json")
    }


def outstanding(store: Store, project: str, consumer: str, inputs: Iterable[str]) -> list[str]:
    """Inputs without a receipt, in the order given."""
    done = handled(store, project, consumer)
    return [input_id for input_id in inputs if input_id not in done]
