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
from tinyops.store.content import content_id
from tinyops.store.layout import Consumer

Status = Literal["done", "quarantined", "refused", "skipped"]


@dataclass(frozen=True)
class Receipt:
    """What one consumer (a DAG's stage) did with one input."""

    consumer: Consumer
    input_id: str
    status: Status
    output: str = ""
    reason: str = ""
    at: str = ""


def write(store: Store, project: str, receipt: Receipt) -> None:
    """Write a receipt; writing it twice is harmless."""
    content = asdict(receipt) | {"at": receipt.at or datetime.now(UTC).isoformat()}
    store.put_json(layout.receipt(project, receipt.consumer, receipt.input_id), content)


def read(store: Store, project: str, consumer: Consumer, input_id: str) -> Receipt | None:
    """The receipt of one input, or None while it is outstanding."""
    content: dict[str, Any] | None = store.get_json_or(
        layout.receipt(project, consumer, input_id), None
    )
    return Receipt(**content) if content else None


def handled(store: Store, project: str, consumer: Consumer, start: str = "") -> set[str]:
    """Ids of all inputs that have a receipt, or of those whose id starts with `start`."""
    rows = store.objects(layout.receipts(project, consumer) + start)
    named = (layout.receipt_input(project, consumer, row.key) for row in rows)
    return {name for name in named if name is not None}


def outstanding(store: Store, project: str, consumer: Consumer, inputs: Iterable[str]) -> list[str]:
    """Inputs without a receipt, in the order given."""
    done = handled(store, project, consumer)
    return [input_id for input_id in inputs if input_id not in done]


def id_of(name: str, good: bool) -> str:
    """Id in receipts and quarantine of an input whose name comes from outside.

    It is the name itself where that is good, or else a hash of it.
    """
    return name if good else f"badly-named-{content_id(name)}"
