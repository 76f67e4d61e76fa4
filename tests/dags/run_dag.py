"""Run one DAG with `dag.test()` and write what happened as JSON; run in a child process."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    answer, dag_id, conf = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])

    import airflow.settings  # noqa: F401
    from airflow.dag_processing.dagbag import DagBag
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    bag = DagBag()
    assert not bag.import_errors, bag.import_errors
    run = bag.dags[dag_id].test(logical_date=None, run_conf=conf)
    with create_session() as session:
        xcoms: dict[str, dict[str, Any]] = {}
        for row in session.scalars(select(XComModel).where(XComModel.run_id == run.run_id)):
            xcoms.setdefault(row.task_id, {})[row.key] = XComModel.deserialize_value(row)
        events = session.execute(
            select(AssetModel.name, AssetEvent.extra)
            .join(AssetModel, AssetModel.id == AssetEvent.asset_id)
            .where(AssetEvent.source_run_id == run.run_id, AssetEvent.source_dag_id == dag_id)
        )
        result = {
            "state": str(run.state),
            "tasks": {ti.task_id: str(ti.state) for ti in run.get_task_instances(session=session)},
            "tries": {ti.task_id: ti.try_number for ti in run.get_task_instances(session=session)},
            "xcoms": xcoms,
            "events": [[name, extra] for name, extra in events],
        }
    answer.write_text(json.dumps(result, default=str))
    # The in-process API server of Airflow 3.3.2 keeps a thread that holds up a normal exit: 10 s,
    # and once for ever.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
