"""Batch in incoming/ to attested board: the whole stack, cold and warm, with what dominates.

Runs `tinyops demo --json` twice on one state folder: the first run sets databases up and makes the
boards' first image; the second starts warm, which is the figure that counts. Memory is the largest
sum of PSS (shared pages counted once) over all processes of the stack.
"""

from __future__ import annotations

import argparse
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

from tinyops.local.ports import free_ports

RESULTS = Path(__file__).parent / "results"
TINYOPS = Path(sys.executable).with_name("tinyops")


class Memory(threading.Thread):
    """Samples the PSS of every process whose environment names the state folder."""

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


def one_run(project: str, state: Path) -> dict[str, Any]:
    """Run the demo once; its JSON, wall time and peak memory."""
    memory = Memory(state)
    memory.start()
    began = time.monotonic()
    s3, airflow = free_ports(2)
    ports = ["--s3-port", str(s3), "--airflow-port", str(airflow)]
    argv = [TINYOPS, "demo", "--json", "--project", project, "--state-dir", state, *ports]
    env = os.environ | {"TINYOPS_STATE": str(state)}
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, env=env, check=False)
    wall = time.monotonic() - began
    memory.done.set()
    if done.returncode != 0:
        sys.exit(f"demo failed ({done.returncode}): {done.stdout[-2000:]}")
    return json.loads(done.stdout) | {
        "wall_seconds": round(wall, 1),
        "peak_pss_bytes": memory.peak,
    }


def main() -> None:
    """Measure and write benchmarks/results/loop.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", default="motor_health")
    parser.add_argument("--runs", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tinyops-bench-") as folder:
        runs = [one_run(options.project, Path(folder) / "state") for _ in range(options.runs)]
    result = {"cores": os.cpu_count(), "project": options.project, "runs": runs}
    path = RESULTS / f"loop_{options.project}.json"
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    warm = runs[-1]
    print(f"batch to attested board: {warm['batch_to_attested_seconds']:.0f} s warm, ", end="")
    print(f"demo {warm['wall_seconds']:.0f} s, peak {warm['peak_pss_bytes'] / 1e9:.1f} GB")


if __name__ == "__main__":
    main()
