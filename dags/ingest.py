"""Take arrived batches and labels, checked, into a new dataset version.

**Trigger.** The asset `<project>/incoming`: a trigger in the triggerer lists
`<project>/incoming/` and `<project>/labels/sets/` in S3 and wakes this DAG when a batch with a
ready mark, or a label set, has no receipt.

**Params.** None.

**Inputs and outputs.** Reads `<project>/incoming/<batch>/` and `<project>/labels/sets/<id>.json`;
writes `<project>/datasets/<version>/` and moves the pointer `dataset`, or writes
`<project>/quarantine/<batch>/` (labels: `quarantine/labels-<id>/`) with the reason. Emits
`<project>/dataset` with uri, version and counts, only when there is a new version. An accepted
batch or set that names a label request writes the receipt `answer/<request>`.

**Idempotency.** The event is a wake-up call, not the work list: the task takes every batch without
a receipt and then every label set, oldest first, one after the other because each version has the
one before as parent. Versions are content hashes and the receipt is written last, so a repeated run
changes nothing.

**When it fails.** What is refused is no failure: the run ends as skipped, the reason is in the
task's log, its XComs `batches` and `labels` and the quarantine folder. A red task means that a
batch or set could not be judged at all: the log names it, the cause and the fix; it stays
outstanding and is announced again within five minutes. S3 outages are retried. Nothing is ever lost
by clearing the task.

**Owner.** The project's owner.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from tinyops.projects import Project
from tinyops_airflow import assets
from tinyops_airflow.defaults import START, default_args
from tinyops_airflow.tags import Tag, project_tag
from tinyops_airflow.usable_projects import usable_projects


def ingest_dag(project: Project) -> None:
    """Declare `<project>__ingest`."""
    dataset = assets.dataset(project.name)

    @dag(
        dag_id=f"{project.name}__ingest",
        dag_display_name=f"{project.title}: ingest",
        schedule=[assets.incoming(project.name)],
        start_date=START,
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(hours=1),
        default_args=default_args(project.owner),
        tags=[Tag.INGEST, Tag.DATA, project_tag(project.name)],
        doc_md=__doc__,
    )
    def ingest() -> None:
        @task(outlets=[dataset], execution_timeout=timedelta(minutes=30))
        def ingest_batches(*, ti: Any, outlet_events: Any) -> None:
            """Handle every outstanding batch and label set; skipped without a new version."""
            from airflow.sdk.exceptions import AirflowSkipException

            from tinyops.store import Store, layout
            from tinyops_airflow.work import take_in

            store = Store.from_env()
            batches, labels, errors = take_in(store, project.name)
            ti.xcom_push(key="batches", value=batches)
            ti.xcom_push(key="labels", value=labels)
            done = [*batches, *labels]
            versions = [one["dataset"] for one in done if one["status"] in ("accepted", "applied")]
            if errors and not versions:
                raise errors[0]
            if not versions:
                raise AirflowSkipException(f"no new version from {len(done)} inputs: {done}")
            uri = store.uri(layout.dataset(project.name, versions[-1]))
            extra = {"uri": uri, "version": versions[-1], "batches": batches, "labels": labels}
            outlet_events[dataset].extra = extra

        ingest_batches()

    ingest()


for usable in usable_projects():
    ingest_dag(usable)
