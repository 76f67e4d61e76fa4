"""The five MLPerf Tiny int8 models on the emulated Cortex-M4: instructions, memory, same bytes.

Instructions are counted in QEMU (`-icount shift=0`); they are no cycles, and this is no MLPerf
result. The published latencies beside them are those of Nucleo-L4R5ZI boards, Cortex-M4 at 120 MHz.
"""

from __future__ import annotations

import csv
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.report import SHARED, Report, options
from tinyops.boards.catalogue import board_names, load_board
from tinyops.conversion.candidates.prove import Proof, prove
from tinyops.conversion.images.bare import build_bare, inputs_for, search_bare
from tinyops.conversion.images.fit import fit
from tinyops.conversion.images.footprint import constant_bytes
from tinyops.conversion.images.image import BuiltImage
from tinyops.conversion.images.profile import Profile
from tinyops.conversion.images.tune import Search
from tinyops.conversion.images.tuning import DEFAULT
from tinyops.conversion.tflite.reference import Reference
from tinyops.conversion.tflite.tflm_memory import arena_bytes

BOARD = "nano33ble-sense"
SAMPLES = 100
CLOCK_MHZ = 120
PUBLISHED_ON = "nucleo-l4r5zi"
MODELS = SHARED / "data" / "tflite_models" / "mlperf_tiny"
RESULTS = SHARED / "data" / "mlperf_results" / "results_wide.csv"
WANTED = {
    "ad": ("anomaly detection", "ad01_int8", 0.58),
    "sww": ("streaming wakeword", "str_ww_ref_model", 2.2),
    "kws": ("keyword spotting", "kws_ref_model", 7.8),
    "vww": ("visual wake words", "vww_96_int8", 28.5),
    "ic": ("image classification", "pretrainedResnet_quant", 33.8),
}
"""Task of the benchmark: its name, the file, million instructions to reach."""
LARGEST_LAYERS = 5


def published(task: str) -> dict[str, Any] | None:
    """The fastest closed-division result on such a board."""
    with RESULTS.open() as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["bench"] == task
            and row["latency_ms"]
            and row["division"] == "closed"
            and row["system"].lower().replace("_", "-").startswith(PUBLISHED_ON)
        ]
    if not rows:
        return None
    best = min(rows, key=lambda row: float(row["latency_ms"]))
    return {
        "million_cycles": float(best["latency_ms"]) * CLOCK_MHZ / 1000,
        "latency_ms": float(best["latency_ms"]),
        **{key: best[key] for key in ("submitter", "system", "version")},
    }


def by_kernel(profile: Profile) -> dict[str, float]:
    """Share of the instructions of each kind of layer."""
    counts: Counter[str] = Counter()
    for step, count in zip(profile.steps, profile.instructions, strict=True):
        counts[step.kernel.split(".")[1].removesuffix("_s8")] += count
    return {name: count / profile.total for name, count in counts.most_common()}


def largest(profile: Profile) -> list[dict[str, Any]]:
    """The layers that take most."""
    rows = sorted(zip(profile.instructions, profile.steps, strict=True), key=lambda row: -row[0])
    return [
        {"layer": step.name, "kernel": step.kernel, "share": count / profile.total}
        for count, step in rows[:LARGEST_LAYERS]
    ]


def sections(built: BuiltImage) -> dict[str, int]:
    """Flash and RAM of the linked image, from the linker map."""
    sizes = built.sizes
    if sizes is None:
        raise AssertionError(f"{BOARD} is not linked")
    constants = constant_bytes(built.folder / "firmware.map")
    return {
        "code": sizes.text - constants,
        "constants": constants,
        "initial_data": sizes.data,
        "flash": sizes.flash_bytes,
        "arena_and_buffers": sizes.bss,
        "stack_reserved": sizes.stack,
        "ram": sizes.ram_bytes,
    }


def proven(built: BuiltImage, samples: int) -> Proof:
    """ProofFailed, which ends the benchmark, unless all are the same bytes as TFLM's."""
    shape = Reference(built.canonical).input_shape[1:]
    return prove(built.image, built.canonical, inputs_for(shape, samples, seed=0))


def measured(tflite: bytes, samples: int, name: str) -> dict[str, Any]:
    """Everything of one model."""
    board = load_board(BOARD)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        search: Search = search_bare(tflite, board, folder / "search")
        default = next(each for each in search.tried if each.tuning == DEFAULT)
        plain = build_bare(tflite, board, name, folder / "default")
        built = build_bare(tflite, board, name, folder / "best", search.best.tuning)
        proof = proven(built, samples)
        proof_of_default = proven(plain, min(samples, 4))
        return {
            "instructions": proof.instructions_per_inference,
            "instructions_default": proof_of_default.instructions_per_inference,
            "samples": proof.samples,
            "same_bytes": proof.samples - proof.mismatches,
            "stack_in_use": proof.stack_bytes,
            "tuning": search.best.tuning.to_dict(),
            "tried": [
                {
                    "level": each.tuning.level,
                    "own_code": len(each.tuning.specialised),
                    "steps": len(each.steps),
                    "instructions": each.total,
                    "model_bytes": each.model_bytes,
                }
                for each in search.tried
            ],
            "by_kernel": by_kernel(search.best),
            "largest": largest(search.best),
            "memory": sections(built),
            "memory_default": sections(plain),
            "model_bytes": search.best.model_bytes,
            "model_bytes_default": default.model_bytes,
            "arena": built.model.arena_bytes,
            "tflite_bytes": len(tflite),
            "tflm_arena": arena_bytes(tflite),
            "fits": {each: fit(tflite, load_board(each)).fits for each in board_names()},
        }


def main() -> None:
    """Measure all five."""
    quick = options(__doc__).quick
    if not MODELS.exists():
        sys.exit("skipped: ../shared/data/tflite_models is not here")
    report = Report("on_the_chip", quick)
    models: dict[str, Any] = {}
    for task, (title, name, wanted) in WANTED.items():
        if quick and task not in ("ad", "kws"):
            continue
        start = time.monotonic()
        found = measured((MODELS / f"{name}.tflite").read_bytes(), 4 if quick else SAMPLES, name)
        found |= {"title": title, "wanted_millions": wanted, "published": published(task)}
        models[task] = found
        print(f"{title}: {time.monotonic() - start:.0f} s", flush=True)
        report.at_most(
            f"{title}, million instructions, as released",
            found["instructions_default"] / 1e6,
            wanted,
        )
        report.at_most(f"{title}, million instructions, tuned", found["instructions"] / 1e6, wanted)
        report.at_least(f"{title}, inputs with TFLM's bytes", found["same_bytes"], found["samples"])
        report.at_least(f"{title}, boards that it fits", sum(found["fits"].values()), 1)
    report.figures["models"] = models
    report.figures["board"] = BOARD
    report.finish()


if __name__ == "__main__":
    main()
