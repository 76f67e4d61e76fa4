"""Judge what devices report: has the world changed, and which labels would tell?

**Trigger.** The asset `<project>/frames`: a trigger in the triggerer lists `<project>/frames/` in
S3 and wakes this DAG when a gateway's file has no receipt, at most once every
`$TINYOPS_MONITOR_SECONDS` (60). `tinyops__maintain` wakes it for files that came late and for
devices that have been silent for a day.

**Params.** `report`: draw the reports of all devices, also of those whose verdict stands.

**Inputs and outputs.** Reads the frames, the reference of each release and the labels that came
after it, and the status of the gateways for the devices that each has. Writes tables of frames to
`<project>/frame-tables/`, bad frames with the reason to `<project>/quarantine/frames-<file>/`,
Great Expectations' results to `<project>/reports/frames/`, the pointer `devices`, verdicts to
`<project>/reports/verdict/` and the pointer `verdict`, requests for labels to
`<project>/labels/requests/`, Evidently's reports to `<project>/reports/`. Emits `<project>/drift`
with verdict and request, once for every request that is new.

**Idempotency.** The event is a wake-up call, not the work list: `judge` takes every file without a
receipt. Rows know their file, verdicts are named by the frames that they judge, and a request by
device, release, reference tag and kind, so a repeated run writes the same and asks once.

**When it fails.** A skipped run is no failure: `judge` had nothing to judge, or `report` nothing to
draw. What people are asked for is behind the button *Label requests* on the page of `judge`, where
it can be answered too. Bad frames are no failure either: they are counted in the XCom `frames` and
set aside, those of devices that their gateway does not list too (`tinyops monitor status`). A red
`judge` leaves the verdicts as they were; boards are not concerned. A red `report` concerns the
pictures alone. S3 outages are retried; clear the task after the fix of anything else.

**Owner.** The project's owner.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, task

from tinyops.projects import Project
from tinyops.projects.dag_ids import dag_id
from tinyops_airflow import assets, pools
from tinyops_airflow.defaults import START, default_args
from tinyops_airflow.tags import Tag, project_tag
from tinyops_airflow.usable_projects import usable_projects
from tinyops_pages.links import LabelRequestsLink


def monitor_dag(project: Project) -> None:
    """Declare `<project>__monitor`."""
    drift = assets.drift(project.name)
    requested = assets.now_and_then(drift)

    @dag(
        dag_id=dag_id(project.name, "monitor"),
        dag_display_name=f"{project.title}: monitor",
        schedule=[assets.frames(project.name)],
        start_date=START,
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(minutes=30),
        default_args=default_args(project.owner),
        tags=[Tag.MONITOR, Tag.DRIFT, project_tag(project.name)],
        doc_md=__doc__,
        params={
            "report": Param(
                False,
                type="boolean",
                description="Draw the reports of all devices, also of those whose verdict stands.",
            )
        },
    )
    def monitor() -> None:
        @task(outlets=[requested])
        def judge(*, params: Any, ti: Any, outlet_events: Any) -> list[str]:
            """Ingest frames, judge each device, ask for labels; returns verdicts to draw."""
            from airflow.sdk.exceptions import AirflowSkipException

            from tinyops.store import Store
            from tinyops_airflow.judging import judge_devices

            found = judge_devices(Store.from_env(), project)
            ti.xcom_push(key="frames", value=found.frames)
            ti.xcom_push(key="verdicts", value=found.verdicts)
            for extra in found.requests:
                outlet_events[requested].add(drift, extra=extra)
            if params["report"]:
                return found.standing
            if not found.verdicts:
                raise AirflowSkipException(f"nothing new to judge; frames: {found.frames}")
            return found.changed

        @task(pool=pools.REPORTS, execution_timeout=timedelta(minutes=20))
        def report(verdicts: list[str]) -> list[str]:
            """Draw Evidently's reports of verdicts."""
            from airflow.sdk.exceptions import AirflowSkipException

            from tinyops.monitoring.reports.draw import draw_reports
            from tinyops.store import Store

            if not verdicts:
                raise AirflowSkipException("every verdict stands")
            store = Store.from_env()
            return [uri for one in verdicts for uri in draw_reports(store, project.name, one)]

        judged = judge()
        judged.operator.operator_extra_links = (LabelRequestsLink(),)
        report(judged)

    monitor()


for usable in usable_projects():
    monitor_dag(usable)
