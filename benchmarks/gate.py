"""What the quality gate finds of faults seen in the wild, and what it takes for faults.

Real recordings of five public data sets and simulated motors: each as it is, then with each fault
put into a tenth of it or into a class. Needs ../shared/data; what is absent is left out.
"""

from __future__ import annotations

import time
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.real_recordings import FOLDERS, HELD_OUT, SETS, project_of, recordings_of
from benchmarks.report import SHARED, Report, options
from benchmarks.wild_faults import FAULTS, apply, clipped_at
from tinyops.data.quality.comparison.echoes import agreeing_bits
from tinyops.data.quality.gate import check_measured
from tinyops.data.quality.measure import measure
from tinyops.data.quality.result import GateResult
from tinyops.data.quality.signal_checks.echo import BITS, echo
from tinyops.data.recordings import Recording
from tinyops.data.recordings.parquet import read_rows, write_recordings
from tinyops.data.recordings.sources.registry import generate
from tinyops.projects import Project, load_project

FAULTY_CLASS = {"fan_esp32": "anomaly", "subf_motor": "faulty", "seglearn": "ROW"}
WANTED = {
    "units 100 times off": 1.0,
    "a rate that the clock contradicts": 1.0,
    "the last fifth is zero": 1.0,
    "the last fifth is missing": 1.0,
    "clipping at full scale": 1.0,
    "clipping below full scale": 0.6,
}

MOST = 400
"""Recordings of a set: a fan has thousands of one second."""


def found_by(result: GateResult, rows: set[int], expectations: tuple[str, ...]) -> int:
    """How many of these rows one of the expectations has refused."""
    refused = set()
    for outcome in result.validation.results:
        if outcome.expectation_config.meta["name"] in expectations:
            found = outcome.result.get("unexpected_index_list") or []
            refused |= {int(row["row"]) for row in found}
    return len(refused & rows)


def judge(project: Project, recordings: list[Recording], label: str) -> dict[str, Any]:
    """{clean: refused share, fault: [found share, refused share of the others]}."""
    clean = list(measure(recordings, project))
    result = check_measured(clean, project, [], "clean")
    told: dict[str, Any] = {
        "recordings": len(recordings),
        "refused": len(result.refused_rows),
        "why": sorted({one.split(" ")[0] for each in result.refusals for one in each.reasons}),
        "warnings": result.counts,
    }
    lines = any(entry.get("line_scores", "[]") != "[]" for entry in clean)
    for fault in (*FAULTS, clipped_at(project.signal.full_scale)):
        alone = fault.name == "a dead channel" and len(project.signal.channels) == 1
        if alone or (fault.whole_class and not lines):
            continue
        changed = apply(fault, recordings, label)
        entries = list(clean)
        for at, entry in zip(changed, measure(changed.values(), project), strict=True):
            entries[at] = entry
        result = check_measured(entries, project, [], fault.name)
        rows = set(changed)
        told[fault.name] = {
            "found": found_by(result, rows, fault.expectations) / len(rows),
            "others": len(result.refused_rows - rows) / max(1, len(recordings) - len(rows)),
        }
    return told


def clean_share(project: Project, recordings: list[Recording]) -> dict[str, Any]:
    """Of recordings as they were published: how many are refused or warned of, and by what."""
    result = check_measured(list(measure(recordings, project)), project, [], "held out")
    by = Counter(
        one.split(" ")[0] for each in result.refusals for one in dict.fromkeys(each.reasons)
    )
    return {
        "recordings": len(recordings),
        "refused": len(result.refused_rows),
        "why": dict(by),
        "warnings": result.counts,
        "near_duplicates": false_matches(recordings),
    }


def false_matches(recordings: list[Recording]) -> dict[str, float]:
    """Pairs of different captures: how many bits differ at least, and how many pairs there are."""
    echoes = [echo(one.signal) for one in recordings]
    usable = [one for one in echoes if one]
    if len(usable) < 2:
        return {"pairs": 0}
    agree = agreeing_bits(usable, usable)
    differ = [(BITS - agree[a, b]) / 2 for a, b in combinations(range(len(usable)), 2)]
    return {"pairs": len(differ), "fewest_bits_different": float(np.min(differ))}


def speed() -> dict[str, float]:
    """Megabytes of samples a second of processor time: reading alone, and with all statistics."""
    import tempfile

    project = load_project("motor_health")
    made = list(generate(project, 1, machines=30, seconds=2.5))
    size = sum(one.signal.nbytes for one in made) / 1e6
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "r.parquet"
        write_recordings(path, made)
        best = {"read": 1e9, "gate": 1e9}
        for _ in range(3):
            started = time.process_time()
            for one in read_rows(path):
                assert isinstance(one, Recording)
            best["read"] = min(best["read"], time.process_time() - started)
            started = time.process_time()
            entries = list(measure(read_rows(path), project))
            best["gate"] = min(best["gate"], time.process_time() - started)
    return {
        "read_mb_per_s": size / best["read"],
        "gate_mb_per_s": size / best["gate"],
        "gate_over_reading": best["gate"] / best["read"],
        "recordings": len(entries),
    }


def main() -> None:
    """All sets, all faults."""
    report = Report("gate", options(__doc__).quick)
    sets: dict[str, Any] = {}
    for name in SETS:
        if name in FOLDERS and not (SHARED / "data" / name).exists():
            continue
        recordings = recordings_of(name, SHARED / "data")
        recordings = recordings[:: -(-len(recordings) // MOST)]
        sets[name] = judge(project_of(name), recordings, FAULTY_CLASS.get(name, "normal"))
        sets[name]["near_duplicates"] = false_matches(recordings)
        print(name, sets[name], flush=True)
    project = load_project("motor_health")
    motors = list(generate(project, 5, machines=12 if report.quick else 30, seconds=2.0))
    sets["simulated"] = judge(project, motors, "normal")
    sets["simulated"]["near_duplicates"] = false_matches(motors)
    print("simulated", sets["simulated"], flush=True)
    held_out = {}
    for name in HELD_OUT:
        if (SHARED / "data" / name).exists():
            recordings = recordings_of(name, SHARED / "data")
            recordings = recordings[:: -(-len(recordings) // MOST)]
            held_out[name] = clean_share(project_of(name), recordings)
            print(name, held_out[name], flush=True)
    report.figures = {"sets": sets, "held_out": held_out, "speed": speed()}
    print(report.figures["speed"])
    worst = max(one["refused"] / one["recordings"] for one in sets.values())
    report.at_most("share of good recordings that are refused, worst set", worst, 0.01)
    pairs = [one["near_duplicates"] for one in sets.values()]
    report.at_least(
        "bits that differ between captures, fewest of all pairs",
        min(one["fewest_bits_different"] for one in pairs if one["pairs"]),
        13,
    )
    for name, wanted in WANTED.items():
        found = min(one[name]["found"] for one in sets.values())
        report.at_least(f"share found, worst set: {name}", found, wanted)
    report.finish()


if __name__ == "__main__":
    main()
