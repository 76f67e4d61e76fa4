"""How long the DAG folder takes to parse; writes benchmarks/results/dag_parse.json.

The import of Airflow itself is left out: the DAG processor pays it once and forks. With
bytecode and a warm disk. On a busy machine the wall clock says little: see load_average.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.report import Report, options

ROOT = Path(__file__).resolve().parents[1]
REPEATS = 3

PARSE = """
import json, sys, time
import airflow.settings
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
wall, cpu = time.perf_counter(), time.process_time()
bag = DagBag()
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
assert not bag.import_errors, bag.import_errors
files = {stat.file: stat.duration.total_seconds() for stat in bag.dagbag_stats}
print("ANSWER", json.dumps({"wall": wall, "cpu": cpu, "dags": len(bag.dags), "files": files}))
"""


def parse(home: str) -> dict[str, Any]:
    """Seconds of wall clock and of processor for the folder, wall clock for each file."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")}
    env |= {
        "AIRFLOW_HOME": home,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
    }
    command = [sys.executable, "-c", PARSE]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    [line] = [one for one in done.stdout.splitlines() if one.startswith("ANSWER ")]
    answer: dict[str, Any] = json.loads(line.removeprefix("ANSWER "))
    return answer


def measure() -> dict[str, Any]:
    """Medians over fresh processes."""
    with tempfile.TemporaryDirectory() as home:
        runs = [parse(home) for _ in range(REPEATS)]

    def median(values: Iterable[float]) -> float:
        return round(statistics.median(values), 3)

    return {
        "repeats": REPEATS,
        "dags": runs[0]["dags"],
        "wall_seconds": median(run["wall"] for run in runs),
        "cpu_seconds": median(run["cpu"] for run in runs),
        "file_wall_seconds": {
            name: median(run["files"][name] for run in runs) for name in sorted(runs[0]["files"])
        },
        "load_average": [round(value, 1) for value in os.getloadavg()],
    }


def main() -> None:
    """Measure and write benchmarks/results/dag_parse.json."""
    report = Report("dag_parse", options(__doc__).quick)
    report.figures = measure()
    # The wall clock of a busy machine would fail it for reasons that are not ours.
    seconds = report.figures["cpu_seconds"]
    report.at_most("parsing all DAG files, without Airflow's own import, CPU s", seconds, 2)
    report.finish()


if __name__ == "__main__":
    main()
