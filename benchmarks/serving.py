"""The MLPerf Tiny reference models in the serving scenarios; not MLPerf results.

On a board: instructions counted in QEMU and a queue model, both of which repeat. On this host:
LiteRT under MLCommons' load generator; its times belong to this machine and its other work. Beside
that, how far LiteRT's logits are from those of TensorFlow Lite Micro, which boards equal.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import SHARED, Report, options
from tinyops.boards.catalogue import load_board
from tinyops.conversion.candidates.prove import prove
from tinyops.conversion.images.bare import build_bare, inputs_for
from tinyops.conversion.tflite.litert import int8_logits
from tinyops.conversion.tflite.reference import Reference
from tinyops.serving import chip, load
from tinyops.serving.chip import Answer, board_results
from tinyops.serving.load import host_results
from tinyops.serving.scenario import NO_MLPERF_RESULT, TAIL_PERCENTILE, Result, Scenario

FOLDER = SHARED / "data" / "tflite_models" / "mlperf_tiny"
MODELS = {
    "anomaly detection": "ad01_int8",
    "streaming wakeword": "str_ww_ref_model",
    "keyword spotting": "kws_ref_model",
    "visual wake words": "vww_96_int8",
    "image classification": "pretrainedResnet_quant",
}
BOARD = "nano33ble-sense"
BOUND_MS = chip.BOUND_MS
INPUTS = 100
SEEDS, QUERIES = 8, 1_000_000


def instructions(tflite: bytes) -> tuple[int, bytes]:
    """(Instructions of one inference, the canonical model); the image is proven on two inputs."""
    board = load_board(BOARD)
    with tempfile.TemporaryDirectory() as folder:
        built = build_bare(tflite, board, "bench", Path(folder))
        shape = Reference(built.canonical).input_shape[1:]
        proof = prove(built.image, built.canonical, inputs_for(shape, 2, 0))
    assert proof.instructions_per_inference is not None
    return proof.instructions_per_inference, built.canonical


def beside_tflm(tflite: bytes) -> dict[str, int]:
    """Inputs of which LiteRT's logits differ from TFLM's, by how much, and with another class."""
    reference = Reference(tflite)
    inputs = inputs_for(reference.input_shape[1:], INPUTS, 0)
    wanted, found = reference.run(inputs), int8_logits(tflite, inputs)
    apart = np.abs(found.astype(int) - wanted).max(axis=1)
    return {
        "inputs": INPUTS,
        "inputs that differ": int((apart > 0).sum()),
        "largest difference, steps": int(apart.max()),
        "with another class": int((found.argmax(axis=1) != wanted.argmax(axis=1)).sum()),
    }


def simulated_error(seconds: float, rate: float, bound: float) -> float:
    """How far the share of simulated queries answered within `bound` seconds is from the formula's.

    In standard errors of the mean over seeds: where the server is busy, waits follow each other
    over thousands of queries and a share of a million is still uncertain by half a percent.
    """
    shares = []
    for seed in range(SEEDS):
        gaps = np.random.default_rng(seed).exponential(1 / rate, QUERIES)
        # Lindley's recursion.
        walk = np.cumsum(np.concatenate([[0.0], seconds - gaps[1:]]))
        waits = walk - np.minimum.accumulate(walk)
        shares.append(np.mean(waits + seconds <= bound))
    error = np.std(shares, ddof=1) / np.sqrt(SEEDS)
    return float(abs(np.mean(shares) - TAIL_PERCENTILE) / error)


def row(results: list[Result]) -> dict[str, float]:
    """Scenario and unit -> figure."""
    return {
        f"{one.scenario.value}, {one.unit}": int(one.value) if one.unit == "streams" else one.value
        for one in results
    }


def main() -> None:
    """Measure all models."""
    report = Report("serving", options(__doc__).quick)
    if not FOLDER.exists():
        print(f"{FOLDER} is not here: nothing measured")
        sys.exit(0)
    clock = load_board(BOARD).clock.hz
    names = list(MODELS)[:1] if report.quick else list(MODELS)
    emulated: dict[str, dict[str, float]] = {}
    host: dict[str, dict[str, float]] = {}
    near: dict[str, dict[str, int]] = {}
    errors, repeats = [], []
    for name in names:
        tflite = (FOLDER / f"{MODELS[name]}.tflite").read_bytes()
        count, canonical = instructions(tflite)
        repeats.append(abs(count - instructions(tflite)[0]))
        answer = Answer(BOARD, count, "inference", clock)
        figures = row(board_results(answer, Scenario, BOUND_MS))
        emulated[name] = {"instructions": count, **figures}
        if figures["server, queries/s"] > 0:
            rate = figures["server, queries/s"]
            errors.append(simulated_error(answer.seconds, rate, BOUND_MS / 1000))
        seconds = 0.1 if report.quick else 1.0
        host[name] = row(host_results(canonical, Scenario, load.BOUND_MS, seconds=seconds))
        near[name] = beside_tflm(canonical)
        print(name, emulated[name], host[name], near[name], flush=True)
    total = sum(one["inputs"] for one in near.values())
    other = sum(one["with another class"] for one in near.values())
    report.figures = figures_of(emulated, host, near, clock)
    report.at_most("instructions of two builds and runs, difference", max(repeats), 0)
    report.at_most(
        "simulated share of queries in time off the formula's 0.99, standard errors", max(errors), 4
    )
    report.at_least("inputs to which LiteRT gives TFLM's class", 1 - other / total, 0.99)
    report.finish()


def figures_of(
    emulated: dict[str, Any], host: dict[str, Any], near: dict[str, Any], clock: int
) -> dict[str, Any]:
    """The content of the result file."""
    return {
        "note": NO_MLPERF_RESULT,
        "board": BOARD,
        "clock_mhz": clock / 1e6,
        "cycles_per_instruction_assumed": 1.0,
        "board_latency_bound_ms": BOUND_MS,
        "host_latency_bound_ms": load.BOUND_MS,
        "load_average": round(os.getloadavg()[0], 1),
        "emulated_by_model": emulated,
        "host_measured_by_model": host,
        "litert_beside_tflm_by_model": near,
    }


if __name__ == "__main__":
    main()
