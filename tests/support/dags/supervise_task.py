"""Run one task as an executor does: in a process of its own under Airflow's supervisor, which
writes its log. No API server: the answers of one stand here. Run in a child process."""

from __future__ import annotations

import json
import os
import sys
import uuid
from pathlib import Path

AT = "2026-01-01T00:00:00Z"
RUN = {
    "dag_run": {
        **{"dag_id": "test", "run_id": "test_run", "run_type": "manual", "state": "running"},
        **dict.fromkeys(("logical_date", "start_date", "run_after"), AT),
        **dict.fromkeys(("data_interval_start", "data_interval_end", "end_date", "partition_key")),
        "consumed_asset_events": [],
    },
    "max_tries": 0,
    "should_retry": False,
}
"""Context of a run that an asset has triggered."""


def main() -> None:
    answer, dag_file, dag_id, task_id, log = Path(sys.argv[1]), *sys.argv[2:]

    import airflow.settings  # noqa: F401
    import httpx
    from airflow.executors.workloads.base import BundleInfo
    from airflow.sdk.api.client import Client
    from airflow.sdk.api.datamodels._generated import TaskInstance
    from airflow.sdk.execution_time.supervisor import supervise_task

    def answered(request: httpx.Request) -> httpx.Response:
        starts = request.url.path.endswith("/run")
        return httpx.Response(200, json=RUN if starts else {"text": "well"})

    client = Client(base_url="http://none", token="", transport=httpx.MockTransport(answered))
    task = TaskInstance(
        id=uuid.uuid4(),
        task_id=task_id,
        dag_id=dag_id,
        run_id="test_run",
        try_number=1,
        dag_version_id=uuid.uuid4(),
    )
    bundle = BundleInfo(name="dags-folder", version=None)
    status = supervise_task(
        ti=task, bundle_info=bundle, dag_rel_path=dag_file, token="", client=client, log_path=log
    )
    answer.write_text(json.dumps({"status": status}))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
