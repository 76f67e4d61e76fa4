"""Train a candidate on a dataset version that has not been trained on.

**Trigger.** The asset `<project>/dataset` or `<project>/drift`, or the project's cron
`schedule.train` (UTC).

**Params.** `force`: train on the current dataset version even though it was trained on already.

**Inputs and outputs.** Reads `<project>/datasets/<version>/`; writes `<project>/candidates/<run>/`
and, when the candidate is accepted, the pointer `candidate`. Emits `<project>/candidate` with uri,
version and headline metrics only for an accepted candidate.

**Idempotency.** The dataset is found in S3 (the newest version without a receipt), not in the
event; asset-triggered runs have no logical date, so the candidate's folder is named by the run. A
second try of the same run writes the same folder.

**When it fails.** A skipped run is no failure: `choose_dataset` says that there is nothing new, or
which labels somebody was asked for that have not come (button *Label requests* on its page, or
`tinyops label requests`); `train_candidate` says why a candidate was refused (its metrics and card
stay in S3). A red task names the cause and the fix; clear it after the fix. Out of memory: the pool
`training` has more slots than the machine can carry.

**Owner.** The project's owner.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, Param, dag, task

from tinyops.projects import Project
from tinyops.projects.dag_ids import dag_id
from tinyops_airflow import assets, pools
from tinyops_airflow.defaults import START, default_args
from tinyops_airflow.tags import Tag, project_tag
from tinyops_airflow.usable_projects import usable_projects
from tinyops_pages.links import LabelRequestsLink


def train_dag(project: Project) -> None:
    """Declare `<project>__train`."""
    candidate = assets.candidate(project.name)

    @dag(
        dag_id=dag_id(project.name, "train"),
        dag_display_name=f"{project.title}: train",
        schedule=AssetOrTimeSchedule(
            timetable=CronTriggerTimetable(project.schedule.train, timezone="UTC"),
            assets=(assets.dataset(project.name) | assets.drift(project.name)),
        ),
        start_date=START,
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(hours=6),
        default_args=default_args(project.owner),
        tags=[Tag.TRAIN, Tag.DATA, project_tag(project.name)],
        doc_md=__doc__,
        params={
            "force": Param(
                False,
                type="boolean",
                description="Train on the current dataset version even if it was trained on.",
            )
        },
    )
    def train() -> None:
        @task
        def choose_dataset(*, params: Any) -> str:
            """The dataset version to train on; skipped with the reason when there is none."""
            from airflow.sdk.exceptions import AirflowSkipException

            from tinyops.data.datasets.dataset import current_version
            from tinyops.store import Store
            from tinyops.training.pipeline import outstanding_dataset
            from tinyops_airflow.work import nothing_to_train, settle_or_log

            store = Store.from_env()
            settle_or_log(store, project.name)
            version = outstanding_dataset(store, project.name)
            if version is None and params["force"]:
                version = current_version(store, project.name)
            if version is None:
                raise AirflowSkipException(nothing_to_train(store, project.name))
            return version

        @task(
            outlets=[candidate],
            pool=pools.TRAINING,
            execution_timeout=timedelta(hours=4),
            retries=1,
        )
        def train_candidate(
            dataset: str, *, dag_run: Any, ti: Any, outlet_events: Any
        ) -> dict[str, Any]:
            """Search, train and evaluate; skipped with the reason when the champion is better."""
            from airflow.sdk.exceptions import AirflowSkipException

            from tinyops.store import Store, layout
            from tinyops.training import pipeline
            from tinyops_airflow.work import run_name

            store, run = Store.from_env(), run_name(dag_run.run_id, dag_run.run_after)
            result = pipeline.train_candidate(store, project.name, dataset, run)
            if result["status"] == "worse":
                ti.xcom_push(key="refused", value=result)
                raise AirflowSkipException(f"{result['candidate']} refused: {result['reason']}")
            uri = store.uri(layout.candidate(project.name, result["candidate"]))
            extra = {"uri": uri, "version": result["candidate"], "dataset": dataset}
            outlet_events[candidate].extra = {**result, **extra}
            return result

        chosen = choose_dataset()
        chosen.operator.operator_extra_links = (LabelRequestsLink(),)
        train_candidate(chosen)

    train()


for usable in usable_projects():
    train_dag(usable)
