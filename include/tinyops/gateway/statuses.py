"""Latest status of every gateway, read from S3; `gateway.status` writes them."""

from __future__ import annotations

from typing import Any

from tinyops.store import Store, StoreError, StoreUnavailable, edge_layout


def read_statuses(store: Store) -> dict[str, Any]:
    """Return status.json of each gateway by its name; {"problem": …} where it is unreadable."""
    found: dict[str, Any] = {}
    for name in store.folders(edge_layout.GATEWAYS):
        try:
            content: Any = store.get_json_or(edge_layout.gateway_status(name), {})
            if not isinstance(content, dict):
                content = {"problem": "status.json is no JSON object"}
        except StoreUnavailable:
            raise
        except StoreError as error:
            content = {"problem": error.message}
        found[name] = content
    return found
