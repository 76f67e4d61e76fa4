"""Take arrived batches and labels, checked, into a new dataset version.

**Trigger.** The asset `<project>/incoming`: a trigger in the triggerer lists
`<project>/incoming/` and `<project>/labels/sets/` in S3 and wakes this DAG when a batch with a
ready mark, a label set or a request to remove something has no receipt.

**Params.** None.

**Inputs and outputs.** Reads `<project>/incoming/<batch>/` and `<project>/labels/sets/<id>.json`;
writes `<project>/datasets/<version>/` and moves the pointer `dataset`, or writes
`<project>/quarantine/<batch>/` (labels: `quarantine/labels-<id>/`) with the reason. Emits
`<project>/dataset` with uri, version and counts, only when there is a new version. An accepted
batch or set that names a label request writes the receipt `answer/<request>`.

A batch may consist of foreign files (CSV, WAV, NPZ, MAT, Parquet, Edge Impulse; docs/data.md): they
are imported in a child with limits, and one that cannot be read is named in the quarantine's
`reason.json` while the others go on.

Little is taken in by `ingest_batches` alone: another task would cost more than it saves.
Of 256 MB or more in several files, `measure_files` reads each file in a task of its own, as many at
a time as the pool `ingest` has slots, and leaves what the gate looks at in `<project>/staging/`;
`join_batches` then does the rest, which is little.

First of all come requests to remove something (`<project>/requests/`: `tinyops data forget`,
`tinyops data retention --apply`, or the daily look of `tinyops__maintain`). This DAG alone deletes
below datasets/, incoming/ and labels/, so nothing goes while a run refers to it; what went is in
the XCom `requests` and in `<project>/reports/retention/` or `forget/`.

**Idempotency.** The event is a wake-up call, not the work list: a run takes every batch without
a receipt and then every label set, oldest first, one after the other because each version has the
one before as parent. Versions are content hashes and the receipt is written last, so a repeated run
changes nothing. What was not measured is measured by `join_batches`.

**When it fails.** What is refused is no failure: the run ends as skipped, the reason is in the
task's log, its XComs `batches` and `labels`, the quarantine folder and the Data Docs that the
button of that name on the task's page opens; warnings, of recordings that went on, are there too.
A red task means that a batch or set could not be judged at all: the log names it, the cause and the
fix; it stays outstanding and is announced again within five minutes. S3 outages are retried.
Nothing is ever lost by clearing the task.

**Owner.** The project's owner.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import TriggerRule, dag, task

from tinyops.projects import Project
from tinyops.projects.dag_ids import dag_id
from tinyops_airflow import assets, pools
from tinyops_airflow.defaults import START, default_args
from tinyops_airflow.tags import Tag, project_tag
from tinyops_airflow.usable_projects import usable_projects
from tinyops_pages.links import DataDocsLink


def ingest_dag(project: Project) -> None:
    """Declare `<project>__ingest`."""
    dataset = assets.dataset(project.name)
    grown = assets.now_and_then(dataset)

    @dag(
        dag_id=dag_id(project.name, "ingest"),
        dag_display_name=f"{project.title}: ingest",
        schedule=[assets.incoming(project.name)],
        start_date=START,
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(hours=6),
        default_args=default_args(project.owner),
        tags=[Tag.INGEST, Tag.DATA, project_tag(project.name)],
        doc_md=__doc__,
    )
    def ingest() -> None:
        @task(outlets=[grown], execution_timeout=timedelta(minutes=30))
        def ingest_batches(*, ti: Any, outlet_events: Any) -> list[Any]:
            """Take in all that is outstanding, or say which files to measure first.

            Skipped when nothing came of it.
            """
            from tinyops.data.ingest import staging
            from tinyops.store import Store
            from tinyops_airflow.work import carry_out_requests, take_in_all

            store = Store.from_env()
            carry_out_requests(store, project, ti)
            staging.sweep(store, project)
            work = staging.plan(store, project)
            if not work:
                extra = take_in_all(store, project.name, ti)
                outlet_events[grown].add(dataset, extra=extra)
            return work

        @task(pool=pools.INGEST, execution_timeout=timedelta(minutes=30))
        def measure_files(work: list[Any]) -> dict[str, int]:
            """Read some files and leave what the gate looks at."""
            from tinyops.data.ingest.staging import stage
            from tinyops.store import Store

            return stage(Store.from_env(), project, work)

        @task(
            outlets=[grown],
            trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS,
            execution_timeout=timedelta(hours=2),
        )
        def join_batches(measured: Any, *, ti: Any, outlet_events: Any) -> list[Any]:
            """Take in all that is outstanding by what was measured; skipped as the first task."""
            from tinyops.data.ingest.staging import sweep
            from tinyops.store import Store
            from tinyops_airflow.work import take_in_all

            store = Store.from_env()
            extra = take_in_all(store, project.name, ti)
            outlet_events[grown].add(dataset, extra=extra)
            sweep(store, project)
            return list(measured)

        work = ingest_batches()
        joined = join_batches(measure_files.expand(work=work))
        for task_output in (work, joined):
            task_output.operator.operator_extra_links = (DataDocsLink(project.name),)

    ingest()


for usable in usable_projects():
    ingest_dag(usable)
