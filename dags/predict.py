"""Score a dataset version in batch, by the int8 model that the boards run.

**Trigger.** By hand.

**Params.** `dataset`: a dataset version, by default the current one. `model`: a candidate (a
release has its candidate's name), by default the champion, before the first champion what is staged
or else the newest accepted candidate.

**Inputs and outputs.** Reads `<project>/datasets/<version>/` and `<project>/candidates/<run>/`;
writes `<project>/predictions/<dataset version>/<model version>/`: one Parquet file a shard, a row a
window with logits, class and confidence, and last `summary.json`. Emits nothing.

**Idempotency.** Keys are made of both versions, neither of which ever changes, so a repeated task
writes the same file. A pair whose summary is there is skipped.

**When it fails.** `choose_shards` names the version or model that is missing. A red `score`
concerns one shard, a file of the dataset or a part of one: clear it after the fix, the others are
kept. Without a summary readers know that predictions are not complete. Boards are not concerned.

**Owner.** The project's owner.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, task

from tinyops.projects import Project
from tinyops.projects.dag_ids import dag_id
from tinyops_airflow import pools
from tinyops_airflow.defaults import START, default_args
from tinyops_airflow.tags import Tag, project_tag
from tinyops_airflow.usable_projects import usable_projects

NAME = {"type": ["null", "string"], "pattern": "^[A-Za-z0-9][A-Za-z0-9._=-]{0,127}$"}


def predict_dag(project: Project) -> None:
    """Declare `<project>__predict`."""

    @dag(
        dag_id=dag_id(project.name, "predict"),
        dag_display_name=f"{project.title}: predict",
        schedule=None,
        start_date=START,
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(hours=6),
        default_args=default_args(project.owner),
        tags=[Tag.PREDICT, Tag.FIGURES, project_tag(project.name)],
        doc_md=__doc__,
        params={
            "dataset": Param(None, description="Dataset version; by default the current.", **NAME),
            "model": Param(None, description="Candidate; by default the champion.", **NAME),
        },
    )
    def predict() -> None:
        @task
        def choose_shards(*, params: Any) -> list[dict[str, Any]]:
            """What to score with which model, one entry a shard; skipped when that was done."""
            from airflow.sdk.exceptions import AirflowSkipException

            from tinyops.serving.predict import choose, plan
            from tinyops.store import Store

            store = Store.from_env()
            chosen = choose(store, project, params["dataset"], params["model"])
            if store.exists(chosen["summary"]):
                raise AirflowSkipException(f"{store.uri(chosen['summary'])} is there already")
            return plan(store, project, chosen["dataset"], chosen["model"])

        @task(pool=pools.PREDICT, execution_timeout=timedelta(hours=1))
        def score(work: dict[str, Any]) -> dict[str, Any]:
            """Write the predictions of one shard."""
            from tinyops.serving.predict import score_shard
            from tinyops.store import Store

            return score_shard(Store.from_env(), project, **work)

        @task(execution_timeout=timedelta(hours=1))
        def summarise(scored: list[dict[str, Any]]) -> dict[str, Any]:
            """Count classes, and right and wrong by part and machine; writes the summary."""
            from tinyops.serving import predict
            from tinyops.store import Store

            return predict.summarise(Store.from_env(), project, list(scored))

        summarise(score.expand(work=choose_shards()))

    predict()


for usable in usable_projects():
    predict_dag(usable)
