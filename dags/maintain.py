"""Keep everything fresh and wake up what was left over.

**Trigger.** Every five minutes.

**Params.** None.

**Inputs and outputs.** Renews the TUF timestamp and snapshot in `tuf/metadata/`; makes the stable
version of each project's signed channel its champion once half of the reported devices attest it;
emits `<project>/incoming`, `<project>/dataset`, `<project>/candidate` and `<project>/frames` for
work that has no receipt and whose DAG is not running, the last also for devices that have been
silent for a day. Once a day it looks for what is
older than `retention.keep` in project.yaml allows and needed by nothing, and writes a request to
`<project>/requests/`, which the ingest DAG carries out (report in `<project>/reports/retention/`):
it alone deletes, so nothing goes while a run refers to it. That includes events of gateways, which
are kept for 180 days unless the project says otherwise. Signed images with self-test windows of
a forgotten machine go once no pointer or device needs them. The pointer `retention` says when.

**Idempotency.** Every task looks at S3 and does what is due; running it twice does nothing twice.

**When it fails.** Boards refuse to update once the signed timestamp has expired: look into a red
`refresh_metadata` the same day. A red `wake_up`, `settle_champions` or
`look_for_old_data` means that S3 did not answer or that a pointer of some project is damaged; the
log names it, and the next run tries again. All other projects were served. `wake_up` turns red once
it has nothing to emit. A malformed event or status of a gateway is a warning in the log, no error.

**Owner.** tinyops
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable, dag, task

from tinyops.projects.dag_ids import MAINTAIN
from tinyops_airflow import assets
from tinyops_airflow.defaults import DEFAULT_ARGS, START
from tinyops_airflow.tags import Tag


@dag(
    dag_id=MAINTAIN,
    dag_display_name="TinyOps: maintain",
    schedule=CronTriggerTimetable("*/5 * * * *", timezone="UTC"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=15),
    default_args={**DEFAULT_ARGS, "retries": 1, "execution_timeout": timedelta(minutes=4)},
    tags=[Tag.MAINTAIN, Tag.UPKEEP],
    doc_md=__doc__,
)
def maintain() -> None:
    """Declare `tinyops__maintain`."""

    @task
    def refresh_metadata() -> dict[str, Any]:
        """Sign a new timestamp before the old one expires."""
        from tinyops.releases import refresh
        from tinyops.store import Store

        return refresh.refresh_metadata(Store.from_env())

    @task
    def settle_champions() -> dict[str, Any]:
        """Make the stable release that boards attest the champion of its project."""
        from tinyops.store import Store
        from tinyops.training.pipeline import settle_champion
        from tinyops_airflow.usable_projects import usable_projects
        from tinyops_airflow.work import all_projects

        store = Store.from_env()
        return all_projects(usable_projects(), lambda one: settle_champion(store, one.name))

    @task
    def look_for_old_data() -> dict[str, Any]:
        """Once a day, ask each project's ingest to remove what retention lets go."""
        from tinyops.retention.carry_out import look_daily
        from tinyops.store import Store
        from tinyops_airflow.usable_projects import usable_projects
        from tinyops_airflow.work import all_projects

        store = Store.from_env()
        return all_projects(usable_projects(), lambda one: look_daily(store, one))

    @task(outlets=[assets.WAKE_UP])
    def wake_up(*, ti: Any, outlet_events: Any) -> dict[str, Any]:
        """Emit the assets of idle DAGs that have unhandled input, and no others."""
        from tinyops.store import Store
        from tinyops_airflow.usable_projects import usable_projects
        from tinyops_airflow.work import ProjectsFailed, each_project, left_over

        store, woken = Store.from_env(), {}
        waiting, errors = each_project(usable_projects(), lambda one: left_over(store, one.name))
        for project, dags in waiting.items():
            for dag_id, (kind, work) in dags.items():
                if not ti.get_dr_count(dag_id, states=["queued", "running"]):
                    assets.wake_up(outlet_events, project, kind, work)
                    woken[dag_id] = work
        if errors and not woken:
            # A failed task emits nothing, so this waits until there is nothing to emit.
            raise ProjectsFailed(errors)
        return woken

    refresh_metadata()
    settle_champions()
    look_for_old_data()
    wake_up()


maintain()
