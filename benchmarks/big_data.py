"""Ingest and training of 0.1, 1 and 10 GB of generated recordings within 3 GB of memory.

Noise with a tone for each class, through the embedded S3 server, which shares the cores. Every step
is a process under RLIMIT_DATA: with more memory it would end in an error. Times are of this machine
at this moment; ratios between sizes and between one and two workers say more.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from benchmarks.big_data_steps import MACHINES, project
from benchmarks.report import Report
from tinyops.data.datasets.index import IndexRow
from tinyops.data.datasets.split import find_salt
from tinyops.data.ingest.staging import plan, sweep
from tinyops.local.swift import EmbeddedS3
from tinyops.store import Store

GB = 10**9
SIZES = (0.1, 1.0, 10.0)
AT = "2026-01-01T00:00:00+00:00"
MOST_MEMORY = 3 << 30


class Memory(threading.Thread):
    """The highest sum of the PSS of some processes."""

    def __init__(self, pids: list[int]) -> None:
        super().__init__(daemon=True)
        self.pids, self.peak, self.done = pids, 0, threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.2):
            self.peak = max(self.peak, sum(map(self._pss, self.pids)))

    def _pss(self, pid: int) -> int:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            return 0
        found = re.search(r"^Pss:\s+(\d+) kB", text, re.M)
        return int(found.group(1)) * 1024 if found else 0


def run(step: str, inputs: list[dict[str, Any]]) -> dict[str, Any]:
    """One process for each input, all at once; the last one's answer, seconds and peak memory."""
    limit = (MOST_MEMORY >> 20) // len(inputs)
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.big_data_steps", step, str(limit), json.dumps(each)],
            stdout=subprocess.PIPE,
            text=True,
            # pyarrow's own pool reserves a gigabyte beforehand, in which no limit would be felt.
            env=os.environ | {"ARROW_DEFAULT_MEMORY_POOL": "system"},
        )
        for each in inputs
    ]
    memory = Memory([child.pid for child in children])
    memory.start()
    outputs = [child.communicate()[0] for child in children]
    memory.done.set()
    if any(child.returncode for child in children):
        sys.exit(f"{step} failed")
    answers = [json.loads(output.splitlines()[-1]) for output in outputs]
    seconds = max(one["ended"] for one in answers) - min(one["began"] for one in answers)
    print(f"  {step} x{len(inputs)}: {seconds:.1f} s, {memory.peak / 1e6:.0f} MB", flush=True)
    return answers[-1] | {"seconds": seconds, "peak": memory.peak}


def salt() -> str:
    """A salt with which every part has machines; each machine has all classes."""
    config = project("1")
    rows = [
        IndexRow(f"m{n:02d}-{label}", f"m{n:02d}", "d", "s", AT, 1.0, label, {}, f"{n}{label}")
        for n in range(MACHINES)
        for label in config.labels
    ]
    found = find_salt(rows, config)
    if found is None:
        sys.exit("no salt suits the generated machines")
    return found


def size_of(store: Store, size: float, salted: str) -> dict[str, Any]:
    """All steps for one size."""
    print(f"{size:g} GB", flush=True)
    common = {"salt": salted}
    config = project(salted)
    published = run("publish", [common | {"size": int(size * GB)}])
    work = plan(store, config)
    if len(work) < 2:
        sys.exit("nothing to measure apart")
    by_workers = {}
    for workers in (1, 2):
        sweep(store, config)
        shares = [common | {"work": work[first::workers]} for first in range(workers)]
        by_workers[workers] = run("measure", shares)
    joined = run("join", [common])
    if joined["status"] != "accepted":
        sys.exit(f"not accepted: {joined}")
    trained = run("train", [common | {"dataset": joined["dataset"]}])
    steps = (published, *by_workers.values(), joined, trained)
    gate = by_workers[1]["seconds"] + joined["gx_alone"]
    return {
        "recordings": joined["recordings"],
        "files": sum(len(one) for one in work),
        "tasks": len(work),
        "measure, 1 worker, s": by_workers[1]["seconds"],
        "measure, 2 workers, s": by_workers[2]["seconds"],
        "import of Great Expectations, s": joined["import_gx"],
        "Great Expectations alone, s": joined["gx_alone"],
        "join, s": joined["joined"],
        "gate, MB/s": size * 1000 / gate,
        "gate, times Great Expectations alone": gate / joined["gx_alone"],
        "features, s": trained["features"],
        "features, MB/s": size * 1000 / trained["features"],
        "training of 2 epochs and all that follows, s": trained["train"],
        "windows": sum(trained["windows"].values()),
        "features on disk, MB": trained["feature_bytes"] / 1e6,
        "peak PSS of publishing, MB": published["peak"] / 1e6,
        "peak PSS of measuring, 1 worker, MB": by_workers[1]["peak"] / 1e6,
        "peak PSS of measuring, 2 workers, MB": by_workers[2]["peak"] / 1e6,
        "peak PSS of joining, MB": joined["peak"] / 1e6,
        "peak PSS of training, MB": trained["peak"] / 1e6,
        "peak": max(step["peak"] for step in steps),
    }


def main() -> None:
    """Run all sizes, each with a server and a cache of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="0.1 GB, no file")
    parser.add_argument("--sizes", help="in GB, as 0.1,1", default=",".join(map(str, SIZES)))
    given = parser.parse_args()
    report = Report("big_data", given.quick)
    sizes = [SIZES[0]] if given.quick else [float(one) for one in given.sizes.split(",")]
    os.environ["TINYOPS_MAPPED_MB"] = "0"
    salted, found = salt(), {}
    for size in sizes:
        folder = Path(tempfile.mkdtemp(prefix="tinyops-big-"))
        server = EmbeddedS3(folder / "s3", die_with_parent=True)
        server.start()
        try:
            os.environ |= server.env() | {
                "TINYOPS_CACHE": str(folder / "cache"),
                "TINYOPS_STATE": str(folder / "state"),
                "TMPDIR": str(folder),
            }
            store = Store.from_env()
            store.ensure_bucket()
            found[size] = size_of(store, size, salted)
        finally:
            server.stop()
            shutil.rmtree(folder)
    peak = max(one.pop("peak") for one in found.values())
    large, small = max(found), min(found)
    report.figures = {
        "data": "generated",
        "sizes in GB": ", ".join(f"{size:g}" for size in found),
        "figures_by_size": {f"{size:g} GB": figures for size, figures in found.items()},
    }
    report.at_most("peak PSS of any step, GB", peak / 2**30, MOST_MEMORY / 2**30)
    two = found[large]["measure, 1 worker, s"] / found[large]["measure, 2 workers, s"]
    if large >= 1:
        report.at_least(f"measure {large:g} GB: two workers against one, speed", two, 1.2)
    for name in ("measure, 2 workers, s", "join, s", "features, s"):
        if large > small:
            ratio = found[large][name] / found[small][name] / (large / small)
            report.at_most(f"{name[:-3]}: time for each GB, {large:g} to {small:g} GB", ratio, 1.5)
    report.finish()


if __name__ == "__main__":
    main()
