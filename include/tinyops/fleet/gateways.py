"""Names of gateways: folders below gateways/ that a gateway can have written."""

from __future__ import annotations

import logging

from tinyops.names import is_name
from tinyops.store import Store, edge_layout

log = logging.getLogger(__name__)


def gateway_names(store: Store) -> list[str]:
    """Names of all gateways that have written anything, sorted.

    A folder whose name no gateway can have is named in the log and left out.
    """
    names = []
    for name in store.folders(edge_layout.GATEWAYS):
        if is_name(name):
            names.append(name)
        else:
            log.warning(
                "%s holds a folder %r, which is no gateway's name. Remove it.",
                store.uri(edge_layout.GATEWAYS),
                name,
            )
    return sorted(names)
