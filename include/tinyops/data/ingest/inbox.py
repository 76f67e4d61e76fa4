"""What lies in `incoming/` and `labels/sets/` and has not been handled yet."""

from __future__ import annotations

from tinyops.data.ingest.upkeep import outstanding_requests
from tinyops.data.labels.labels import outstanding_labels
from tinyops.projects import Project
from tinyops.store import Consumer, Store, layout, receipts


def outstanding_batches(store: Store, project: Project | str) -> list[str]:
    """Complete batches without a receipt, oldest first.

    A folder whose name cannot be part of a key is listed too, so that it is refused and not
    overlooked.
    """
    name = project if isinstance(project, str) else project.name
    ready = sorted(
        (row.last_modified, batch)
        for row in store.objects(layout.incoming(name))
        if (batch := layout.ready_batch(name, row.key)) is not None
    )
    # Asked every few seconds of every project: most have nothing, and then one listing will do.
    done = receipts.handled(store, name, Consumer.INGEST) if ready else set()
    return [batch for _, batch in ready if input_id(batch) not in done]


def outstanding_inputs(store: Store, project: Project | str) -> list[str]:
    """All that ingest has not handled: batches, label sets as `labels-<id>`, and requests."""
    name = project if isinstance(project, str) else project.name
    labels = map(layout.labels_input, outstanding_labels(store, project))
    inputs = [*outstanding_batches(store, project), *labels]
    return [*inputs, *outstanding_requests(store, name)]


def input_id(batch: str) -> str:
    """The name that receipts and quarantine use: the batch's own, or a hash of a bad one."""
    return receipts.id_of(batch, layout.is_safe(batch))
