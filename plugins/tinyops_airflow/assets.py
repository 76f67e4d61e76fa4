"""The assets that join the DAGs of one project.

A scheme that starts with `x-` is left alone by Airflow's URI rules (AIP-60), so names and URIs are
ours. An event's extra carries `uri` and `version` and what a reader wants to see first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias

if TYPE_CHECKING:
    from airflow.sdk.types import OutletEventAccessorsProtocol

WAKE_UP = AssetAlias("tinyops/wake_up")
"""Through this alias one task emits events on any number of assets, or on none."""


def _asset(project: str, kind: str, **more: Any) -> Asset:
    return Asset(
        name=f"{project}/{kind}", uri=f"x-tinyops://{project}/{kind}", group="tinyops", **more
    )


def incoming(project: str) -> Asset:
    """Batches that no ingest has handled; a trigger in the triggerer watches S3 for them.

    Only the ingest DAG may name it: a DAG file that knows the asset without its watcher takes the
    watcher away (Airflow 3.3.2 compares the two whenever it parses a file).
    """
    from airflow.sdk import AssetWatcher

    from tinyops_airflow.triggers import OutstandingTrigger

    trigger = OutstandingTrigger(project, "tinyops.data.inbox:outstanding_batches")
    return _asset(project, "incoming", watchers=[AssetWatcher(f"{project}/incoming", trigger)])


def dataset(project: str) -> Asset:
    """Dataset versions."""
    return _asset(project, "dataset")


def candidate(project: str) -> Asset:
    """Candidates that training accepted."""
    return _asset(project, "candidate")


def release(project: str) -> Asset:
    """Signed and staged releases."""
    return _asset(project, "release")


def wake_up(events: OutletEventAccessorsProtocol, project: str, kind: str, work: Any) -> None:
    """Emit an event for work that is still outstanding on the asset `<project>/<kind>`."""
    asset = Asset(f"{project}/{kind}", f"x-tinyops://{project}/{kind}", group="tinyops")
    events[WAKE_UP].add(asset, extra={"outstanding": work})
