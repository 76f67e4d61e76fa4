"""The whole story of `tinyops demo`, and what its second turn goes into.

Runs `tinyops demo --concept --json` on a fresh state folder: data, training, attested board, change
of the world, verdict, labels, retrained and attested, verdict clear, picture; then the change of
meaning, which the time of the whole story leaves out; and in that stack a nightly training with
nothing new. Memory is the largest sum of PSS (shared pages counted once) over all processes of the
stack. Imports happen inside tasks: they are timed apart, in fresh processes, and taken out of the
tasks they belong to.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil

from benchmarks.report import Report, options
from tinyops.local.ports import free_ports
from tinyops.projects.dag_ids import dag_id

PROJECT = "motor_health"
TINYOPS = Path(sys.executable).with_name("tinyops")
IMPORTS = {
    "ingest": ("great_expectations", "pyarrow.parquet"),
    "train": ("tensorflow", "mlflow", "pyarrow.parquet"),
    "release": ("bakenn", "tflite_micro", "ai_edge_litert.interpreter"),
}


class Memory(threading.Thread):
    """Samples the PSS of every process that belongs to a state folder."""

    def __init__(self, state: Path) -> None:
        super().__init__(daemon=True)
        self.state, self.peak, self.done = state, 0, threading.Event()

    def run(self) -> None:
        while not self.done.wait(2.0):
            total = sum(self._pss(process) for process in psutil.process_iter())
            self.peak = max(self.peak, total)

    def _pss(self, process: psutil.Process) -> int:
        try:
            words = " ".join(process.cmdline()) + process.environ().get("TINYOPS_STATE", "")
            if str(self.state) not in words:
                return 0
            text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
        except (psutil.Error, OSError):
            return 0
        found = re.search(r"^Pss:\s+(\d+) kB", text, re.M)
        return int(found.group(1)) * 1024 if found else 0


def whole_story(state: Path, ports: list[int]) -> dict[str, Any]:
    """Run the demo; its JSON, peak memory, and the seconds of the story without `--concept`."""
    memory = Memory(state)
    memory.start()
    began = time.monotonic()
    named = ["--s3-port", str(ports[0]), "--airflow-port", str(ports[1])]
    argv = [TINYOPS, "demo", "--json", "--concept", "--project", PROJECT, "--state-dir", state]
    env = os.environ | {"TINYOPS_STATE": str(state)}
    done = subprocess.run([*argv, *named], stdout=subprocess.PIPE, text=True, env=env, check=False)
    wall = time.monotonic() - began
    memory.done.set()
    if done.returncode != 0:
        sys.exit(f"demo failed ({done.returncode}): {done.stdout[-2000:]}")
    told: dict[str, Any] = json.loads(done.stdout)
    # From start to the picture, and what starting and stopping everything took beside.
    around = wall - told["seconds"] + told["start_seconds"]
    story = round(around + told["seconds_until_clear"], 1)
    told.pop("picture")  # goes with the folder
    return told | {"story_seconds": story, "peak_pss_bytes": memory.peak}


def nightly(state: Path, ports: list[int]) -> dict[str, Any]:
    """Run the training DAG with nothing new to learn: its seconds and what each task came to."""
    from tinyops.local.stack import Stack

    stack = Stack(state, s3_port=ports[0], airflow_port=ports[1])
    stack.up()
    try:
        dag = f"/api/v2/dags/{dag_id(PROJECT, 'train')}/dagRuns"
        run = stack.airflow.api("POST", dag, {"logical_date": None})
        while run["state"] in ("queued", "running"):
            time.sleep(0.5)
            run = stack.airflow.api("GET", f"{dag}/{quote(run['dag_run_id'])}")
        path = f"{dag}/{quote(run['dag_run_id'])}/taskInstances"
        tasks = stack.airflow.api("GET", path)["task_instances"]
    finally:
        stack.down()
    ended = datetime.fromisoformat(run["end_date"]) - datetime.fromisoformat(run["queued_at"])
    states = {task["task_id"]: task["state"] for task in tasks}
    return {"seconds": round(ended.total_seconds(), 1), "state": run["state"], "tasks": states}


def import_seconds(modules: tuple[str, ...]) -> float:
    """Wall time of importing these in a fresh process, less an empty process; best of two."""

    def once(code: str) -> float:
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        return time.monotonic() - began

    return min(once(f"import {','.join(modules)}") - once("pass") for _ in range(2))


def shares(run: dict[str, Any]) -> dict[str, float]:
    """Seconds of a turn by what they went into; they add up to the whole."""
    total = run["arrival_to_attested_seconds"]
    edge = sum(row["seconds"] for row in run["stages"] if row["stage"] in ("flash", "attest"))
    stage_of = {row["stage"]: row["seconds"] for row in run["stages"]}
    inside: dict[str, float] = {stage: 0.0 for stage in IMPORTS}
    stages = {dag_id(PROJECT, stage): stage for stage in IMPORTS}
    proof = 0.0
    for task in run["tasks"]:
        stage = stages[task["dag"]]
        seconds = float(task["seconds"] or 0.0)
        inside[stage] += seconds
        if "prove" in task["task"] or "compile" in task["task"]:
            proof += seconds
    imports = {
        stage: min(import_seconds(modules), inside[stage]) for stage, modules in IMPORTS.items()
    }
    ingest = min(inside["ingest"], stage_of["gate"]) - imports["ingest"]
    told = {
        "imports": sum(imports.values()),
        "gate and dataset version": ingest,
        "training and evaluation": inside["train"] - imports["train"],
        "compile and proof": max(proof - imports["release"], 0.0),
        "fit, sign and stage": inside["release"] - proof,
        "flash and attest": edge,
    }
    told["airflow: waiting, queueing, starting tasks"] = total - sum(told.values())
    return {name: round(seconds, 1) for name, seconds in told.items()}


def main() -> None:
    """Measure and write benchmarks/results/story.json."""
    report = Report("story", options(__doc__).quick)
    with tempfile.TemporaryDirectory(prefix="tinyops-bench-") as folder:
        ports = free_ports(2)
        told = whole_story(Path(folder) / "state", ports)
        night = nightly(Path(folder) / "state", ports)
    new, old = told["new_condition"], told["old_test"]
    report.figures = {
        "project": PROJECT,
        "virtual_time_factor": told["virtual_time_factor"],
        "first_turn_seconds": told["turns"][0]["arrival_to_attested_seconds"],
        "accuracy_on_the_new_condition_before": new["champion"]["accuracy"],
        "accuracy_on_the_new_condition_after": new["challenger"]["accuracy"],
        "nightly_tasks": str(night["tasks"]),
        "warm_seconds_by_use": shares(told["turns"][1]),
        "one_release_on_four_kinds_seconds": told["fleet"]["arrival_to_attested_seconds"],
        "labels_until_the_concept_verdict": told["concept"]["residual"]["labels"],
        "told": told,
    }
    report.at_most("make demo EXIT=1, the whole story, s", told["story_seconds"], 420)
    report.at_most("peak memory (PSS) of the stack, GB", told["peak_pss_bytes"] / 1e9, 6)
    report.at_most("windows from the change to the verdict", told["windows_to_verdict"], 300)
    report.at_most("labels in to attested board, s", told["labels_to_attested_seconds"], 120)
    kinds = {row["board"] for row in told["fleet"]["devices"] if row.get("attested")}
    report.at_least("kinds of boards that attested one release", len(kinds), 4)
    gained = new["challenger"]["accuracy"] - new["champion"]["accuracy"]
    report.at_least("accuracy gained on the new condition", gained, 0.0)
    report.at_most("forgotten of the old condition, macro F1", old["forgetting"], 0.01)
    report.at_most("a night with nothing new, s", night["seconds"], 20)
    report.finish()


if __name__ == "__main__":
    main()
