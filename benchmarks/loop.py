"""Batch in incoming/ to attested board: the whole stack, warm, and what its time goes into.

Runs `tinyops demo --json` twice on one state folder. The first run makes databases and the board's
first image; the second starts warm, which is the figure that counts. Memory is the largest sum of
PSS (shared pages counted once) over all processes of the stack. Imports happen inside tasks: they
are timed apart, in fresh processes of the same run, and taken out of the tasks they belong to.
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
from pathlib import Path
from typing import Any

import psutil
from report import Report, options

from tinyops.local.ports import free_ports

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


def one_run(state: Path) -> dict[str, Any]:
    """Run the demo once; its JSON, wall time and peak memory."""
    memory = Memory(state)
    memory.start()
    began = time.monotonic()
    s3, airflow = free_ports(2)
    ports = ["--s3-port", str(s3), "--airflow-port", str(airflow)]
    argv = [TINYOPS, "demo", "--json", "--project", PROJECT, "--state-dir", state, *ports]
    env = os.environ | {"TINYOPS_STATE": str(state)}
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, env=env, check=False)
    wall = time.monotonic() - began
    memory.done.set()
    if done.returncode != 0:
        sys.exit(f"demo failed ({done.returncode}): {done.stdout[-2000:]}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told | {"wall_seconds": round(wall, 1), "peak_pss_bytes": memory.peak}


def import_seconds(modules: tuple[str, ...]) -> float:
    """Wall time of importing these in a fresh process, less an empty process; best of two."""

    def once(code: str) -> float:
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        return time.monotonic() - began

    return min(once(f"import {','.join(modules)}") - once("pass") for _ in range(2))


def shares(run: dict[str, Any]) -> dict[str, float]:
    """Seconds of the warm loop by what they went into; they add up to the whole."""
    total = run["batch_to_attested_seconds"]
    edge = sum(row["seconds"] for row in run["stages"] if row["stage"] in ("flash", "attest"))
    stage_of = {row["stage"]: row["seconds"] for row in run["stages"]}
    inside: dict[str, float] = {stage: 0.0 for stage in IMPORTS}
    proof = 0.0
    for task in run["tasks"]:
        stage = task["dag"].rpartition("__")[2]
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
    """Measure and write benchmarks/results/loop.json."""
    report = Report("loop", options(__doc__).quick)
    with tempfile.TemporaryDirectory(prefix="tinyops-bench-") as folder:
        runs = [one_run(Path(folder) / "state") for _ in range(1 if report.quick else 2)]
    warm = runs[-1]
    report.figures = {"project": PROJECT, "warm_seconds_by_use": shares(warm), "runs": runs}
    report.at_most("batch to attested board, warm, s", warm["batch_to_attested_seconds"], 120)
    report.at_most("make demo EXIT=1 on a set-up machine, s", warm["wall_seconds"], 240)
    report.at_most("peak memory (PSS) of the stack, GB", warm["peak_pss_bytes"] / 1e9, 6)
    report.finish()


if __name__ == "__main__":
    main()
