"""What int8 loses against float, by each way of quantising, on the test part.

The shipped projects' models, and models made hard to quantise: knocks in the training windows, one
channel a hundred times as large as the others, both. Post-training, the ranges and channels of
quantisation-aware training without its training, and that training. Each int8 model is compiled for
a Cortex-M4 and proven there.
"""

from __future__ import annotations

import re
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import int8_cases as cases
from benchmarks.report import Report, options
from tinyops.boards.catalogue import load_board
from tinyops.conversion.candidates.prove import prove
from tinyops.conversion.images.bare import build_bare, inputs_for
from tinyops.conversion.tflite.int8 import quantise
from tinyops.conversion.tflite.reference import Reference
from tinyops.data.datasets.split import find_group, part_of
from tinyops.data.recordings.recording import Recording
from tinyops.data.recordings.sources import source_for
from tinyops.frontend import Frontend, from_project
from tinyops.projects import Project, load_project
from tinyops.projects.coverage import PARTS
from tinyops.training.evaluate import evaluate
from tinyops.training.fake_quant import fake_quantised
from tinyops.training.fit import fit, float_logits
from tinyops.training.int8_loss import (
    breaches,
    float_decisions,
    int8_decisions,
    int8_loss,
    severity,
)
from tinyops.training.quantisation import AWARE, POST_TRAINING
from tinyops.training.quantisation_aware import quantisation_aware
from tinyops.training.recipe import Recipe, recipe_of
from tinyops.training.windows import WindowSet, spread, windows_of

PROJECTS = ("exercise_watch", "motor_sound", "motor_health")
RANGES = "ranges and channels alone"
BOARD = "nano33ble-sense"
SAMPLES = 4


def main() -> None:
    """Run all models."""
    report = Report("quantisation", options(__doc__).quick)
    found: dict[str, Any] = {}
    for knocks, channel in ((0.03, False), (0.0, True), (0.03, True)):
        name = " and ".join(["knocks"] * (knocks > 0) + ["outlier channel"] * channel)
        train, test = cases.windows(800, 1, knocks), cases.windows(800, 2)
        model = fit(train, None, cases.FRONTEND, 4, cases.RECIPE, quiet)
        model = cases.with_outlier_channel(model) if channel else model
        found[name] = compared(cases.project(), cases.FRONTEND, cases.RECIPE, model, train, test)
        print(name, found[name], flush=True)
    for name in PROJECTS[:1] if report.quick else PROJECTS:
        project = load_project(name)
        frontend, recipe = (
            from_project(project.frontend, project.signal),
            recipe_of(project.training),
        )
        parts = divided(project, frontend, recipe)
        model = fit(
            parts["train"], parts["validation"], frontend, len(project.labels), recipe, quiet
        )
        found[name] = compared(project, frontend, recipe, model, parts["train"], parts["test"])
        print(name, found[name], flush=True)
    report.figures = {"cases": found}
    for name, case in found.items():
        made = case["methods"]
        for method, figures in made.items():
            report.at_least(
                f"{name}: {method}, inputs with TFLM's bytes", figures["proven"], SAMPLES
            )
        if name in PROJECTS:
            worst = made[POST_TRAINING]["severity"]
            report.at_most(f"{name}: worst loss of post-training int8, of the allowed", worst, 1.0)
        else:
            worst = made[POST_TRAINING]["severity"]
            report.at_least(f"{name}: the same, of a model that is hard to quantise", worst, 1.0)
            worst = made[AWARE]["severity"]
            report.at_most(f"{name}: after quantisation-aware training", worst, 1.0)
    report.finish()


def divided(project: Project, frontend: Frontend, recipe: Recipe) -> dict[str, WindowSet]:
    """The parts of a project's first batch."""
    sorted_: dict[str, list[Recording]] = {part: [] for part in PARTS}
    for recording in source_for(project).recordings(0, "small"):
        row = (recording.recording_id, recording.machine_id, recording.conditions)
        group = find_group(project.split, *row)
        sorted_[part_of(str(group), project.split)].append(recording)
    return {
        part: windows_of(some, project, frontend, recipe.overlap if part == "train" else 1)
        for part, some in sorted_.items()
    }


def compared(
    project: Project,
    frontend: Frontend,
    recipe: Recipe,
    model: Any,
    train: WindowSet,
    test: WindowSet,
) -> dict[str, Any]:
    """Losses of each method, with the seconds of processor time that it takes."""
    zero, scale = frontend.input_zero_point, frontend.input_scale
    floating = float_decisions(float_logits(model, test.inputs(frontend)))
    sample = spread(train.features, 256)
    real = (sample.astype("float32") - zero) * scale
    ways = {
        POST_TRAINING: lambda: model,
        RANGES: lambda: fake_quantised(model, real, (-128 - zero) * scale, (127 - zero) * scale),
        AWARE: lambda: quantisation_aware(model, train, frontend, recipe, quiet),
    }
    made = {}
    for method, source in ways.items():
        started = time.process_time()
        tflite = quantise(source(), sample, scale, zero)
        converted = time.process_time()
        loss = int8_loss(test, floating, int8_decisions(tflite, test.features), project.labels)
        reasons = breaches(project.objective, loss)
        made[method] = {
            "figures": loss.figures("macro_f1"),
            "severity": severity(project.objective, loss),
            "beyond": [re.findall(r"\(objective\.(\w+)\)", reason)[0] for reason in reasons],
            "model_bytes": len(tflite),
            "proven": proven(tflite),
            "processor_seconds": round(converted - started, 2),
            "comparison_processor_seconds": round(time.process_time() - converted, 2),
        }
    figures = evaluate(test.labels, floating.classes, test.groups, project.labels)
    return {"float_macro_f1": figures.macro_f1, "windows": len(test), "methods": made}


def proven(tflite: bytes) -> int:
    """Inputs on which the image for BOARD gives the reference's bytes: SAMPLES, or an error."""
    with tempfile.TemporaryDirectory() as folder:
        built = build_bare(tflite, load_board(BOARD), "model", Path(folder))
        inputs = inputs_for(Reference(built.canonical).input_shape[1:], SAMPLES, seed=0)
        proof = prove(built.image, built.canonical, inputs)
    return proof.samples - proof.mismatches


def quiet(_: str) -> None:
    """No line an epoch."""


if __name__ == "__main__":
    main()
