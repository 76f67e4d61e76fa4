"""Label requests as monitor writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tinyops.data.labels.label_request import Kind, LabelRequest, publish_request
from tinyops.store import Store


def request_labels(
    store: Store, project: str, request: str, kind: Kind = "data drift", **more: Any
) -> LabelRequest:
    """Publish a request about pump-7."""
    fields: dict[str, Any] = {
        "device": "pump-7",
        "release": "r1",
        "reference_tag": "0a0b0c0d",
        "span": {"epoch": 1_790_000_000, "first_window": 0, "last_window": 255, "n": 4},
        "virtual": True,
        "verdict": f"verdict-{request}",
        "about": 0 if kind == "look" else 120,
        "instructions": f"go and see [pump-7] because of {request}",
        "recordings": (),
        "at": datetime(2026, 1, 1, 10, tzinfo=UTC),
    }
    asked = LabelRequest(id=request, project=project, kind=kind, **fields | more)
    publish_request(store, asked)
    return asked
