"""Parse the DAG folder and write what was found as JSON; run by the tests in a child process."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HEAVY = ("tensorflow", "great_expectations", "evidently", "pandas", "mlflow", "boto3", "serial")


def awaited(timetable: Any) -> dict[str, list[dict[str, Any]]]:
    """Assets of a serialized timetable: {name: arguments of the triggers that watch it}."""
    if isinstance(timetable, list):
        return {name: found for one in timetable for name, found in awaited(one).items()}
    if not isinstance(timetable, dict):
        return {}
    if str(timetable.get("uri", "")).startswith("x-tinyops://"):
        watchers = timetable.get("watchers", [])
        return {timetable["name"]: [watcher["trigger"]["kwargs"] for watcher in watchers]}
    return awaited(list(timetable.values()))


def describe(dag: Any) -> dict[str, Any]:
    from airflow.serialization.serialized_objects import DagSerialization

    serialized = DagSerialization.serialize_dag(dag)
    DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
    return {
        "file": Path(dag.fileloc).name,
        "tags": sorted(dag.tags),
        "doc_md": dag.doc_md or "",
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "start_date": str(dag.start_date),
        "dagrun_timeout": dag.dagrun_timeout and dag.dagrun_timeout.total_seconds(),
        "timetable": serialized["timetable"]["__type"].rpartition(".")[2],
        "schedule": str(serialized["timetable"]),
        "awaited": awaited(serialized["timetable"]),
        "structure": {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks},
        "outlets": {
            task.task_id: [outlet.name for outlet in task.outlets]
            for task in dag.tasks
            if task.outlets
        },
        "params": {
            name: {"schema": param.schema, "description": param.description}
            for name, param in dag.params.items()
            for param in [dag.params.get_param(name)]
        },
        "tasks": {
            task.task_id: {
                "owner": task.owner,
                "retries": task.retries,
                "backoff": task.retry_exponential_backoff,
                "retry_policy": type(task.retry_policy).__name__,
                "execution_timeout": task.execution_timeout
                and task.execution_timeout.total_seconds(),
                "pool": task.pool,
                "function": task.python_callable.__name__,
                "mapped": task.is_mapped,
                "trigger_rule": task.trigger_rule.value,
                "doc": task.doc_md or (task.python_callable.__doc__ or ""),
            }
            for task in dag.tasks
        },
    }


def main() -> None:
    import airflow.settings  # noqa: F401
    from airflow.dag_processing.dagbag import DagBag
    from airflow.plugins_manager import _get_plugins

    bag = DagBag()
    heavy = [name for name in HEAVY if name in sys.modules]
    answer = {
        "import_errors": dict(bag.import_errors),
        "heavy": heavy,
        "dags": {dag_id: describe(dag) for dag_id, dag in bag.dags.items()},
        "plugins": sorted(str(plugin.name) for plugin in _get_plugins()[0]),
        "plugin_errors": _get_plugins()[1],
        "bare": sorted(
            name
            for name, module in list(sys.modules.items())
            if "." not in name
            and "/plugins/" in str(getattr(module, "__file__", None) or "")
            and "site-packages" not in str(module.__file__)
        ),
    }
    Path(sys.argv[1]).write_text(json.dumps(answer, default=str))


if __name__ == "__main__":
    main()
