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
    """Batches and labels that no ingest has handled; a trigger watches S3 for them.

    Only the ingest DAG may name it: see `_watched`.
    """
    return _watched(project, "incoming", "tinyops.data.ingest.inbox:outstanding_inputs")


def frames(project: str) -> Asset:
    """Files of frames that monitor has not handled; only the monitor DAG may name it."""
    from tinyops_airflow.triggers import monitor_seconds

    find = "tinyops.monitoring.frame_inbox:recent_frames"
    return _watched(project, "frames", find, apart=monitor_seconds())


def _watched(project: str, kind: str, outstanding: str, **pace: float) -> Asset:
    """An asset with a trigger in the triggerer that watches S3 for it.

    A DAG file that knows the asset without its watcher takes the watcher away (Airflow 3.3.2
    compares the two whenever it parses a file), so one DAG alone may name it.
    """
    from airflow.sdk import AssetWatcher

    from tinyops_airflow.triggers import OutstandingTrigger

    trigger = OutstandingTrigger(project, outstanding, **pace)
    watcher = AssetWatcher(_asset(project, kind).name, trigger)
    return _asset(project, kind, watchers=[watcher])


def dataset(project: str) -> Asset:
    """Dataset versions."""
    return _asset(project, "dataset")


def candidate(project: str) -> Asset:
    """Candidates that training accepted."""
    return _asset(project, "candidate")


def release(project: str) -> Asset:
    """Signed and staged releases."""
    return _asset(project, "release")


def drift(project: str) -> Asset:
    """Requests for labels that a verdict has led to."""
    return _asset(project, "drift")


def now_and_then(asset: Asset) -> AssetAlias:
    """An outlet for a task that emits `asset` in some of its runs: `events[outlet].add(asset)`."""
    return AssetAlias(f"{asset.name}/now_and_then")


def wake_up(events: OutletEventAccessorsProtocol, project: str, kind: str, work: Any) -> None:
    """Emit an event for work that is still outstanding on the asset `<project>/<kind>`."""
    events[WAKE_UP].add(_asset(project, kind), extra={"outstanding": work})
