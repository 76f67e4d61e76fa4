"""Bearing faults on simulated motors that the model has never seen.

The frontend and model of the project `motor_health` against a random forest on RMS, kurtosis and
crest factor of the same windows. The simulator's ranges were fixed before the first training. More
motors and epochs than a demonstration has time for; all else is the project's recipe.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import Report, options
from tinyops.conversion.tflite.int8 import quantise
from tinyops.conversion.tflite.litert import int8_logits
from tinyops.data.recordings.sources import generate
from tinyops.frontend import Frontend, cut_windows, from_project
from tinyops.projects import Project, load_project
from tinyops.training.evaluate import evaluate
from tinyops.training.fit import fit, predict
from tinyops.training.recipe import recipe_of
from tinyops.training.windows import WindowSet, counts_of, windows_of

SECONDS = 2.0
SEEDS = (1, 2, 3)
TRAIN_MACHINES, TEST_MACHINES, EPOCHS = 240, 60, 40


def statistics(windows: NDArray[np.int16]) -> NDArray[np.float64]:
    """RMS, kurtosis and crest factor [n, 3] of windows [n, W, 1]."""
    signal = windows[..., 0].astype(float)
    signal -= signal.mean(axis=1, keepdims=True)
    square = (signal**2).mean(axis=1)
    rms = np.sqrt(square)
    kurtosis = (signal**4).mean(axis=1) / square**2
    return np.stack([rms, kurtosis, np.abs(signal).max(axis=1) / rms], axis=1)


def collect(
    project: Project, frontend: Frontend, seed: int, machines: int, overlap: int
) -> tuple[WindowSet, NDArray[np.float64]]:
    """Features and statistics of the same windows, one motor at a time."""
    sets, rows = [], []
    signal = project.signal
    for number in range(machines):
        recordings = list(
            generate(project, seed, machines=1, seconds=SECONDS, start_machine=number)
        )
        sets.append(windows_of(recordings, project, frontend, overlap))
        rows += [
            statistics(cut_windows(counts_of(r, project), signal.window, signal.hop // overlap))
            for r in recordings
        ]
    features = np.concatenate([part.features for part in sets])
    labels = np.concatenate([part.labels for part in sets])
    groups = np.concatenate([part.groups for part in sets])
    names = np.concatenate([part.recordings for part in sets])
    return WindowSet(features, labels, groups, names), np.concatenate(rows)


def main() -> None:
    """Run all seeds."""
    from sklearn.ensemble import RandomForestClassifier

    report = Report("motor_health", options(__doc__).quick)
    project = load_project("motor_health")
    frontend = from_project(project.frontend, project.signal)
    recipe = replace(recipe_of(project.training), epochs=EPOCHS)
    share = 6 if report.quick else 1
    runs = []
    for seed in SEEDS[:1] if report.quick else SEEDS:
        machines = TRAIN_MACHINES // share, TEST_MACHINES // share
        train, known = collect(project, frontend, 1000 + seed, machines[0], recipe.overlap)
        test, unknown = collect(project, frontend, 2000 + seed, machines[1], 1)
        print(f"seed {seed}: {len(train)} windows to train on, {len(test)} to test", flush=True)
        model = fit(train, None, frontend, len(project.labels), replace(recipe, seed=seed))
        tflite = quantise(
            model,
            train.features[:: max(1, len(train) // 256)],
            frontend.input_scale,
            frontend.input_zero_point,
        )
        forest = RandomForestClassifier(300, random_state=seed).fit(known, train.labels)
        guesses = {
            "float": predict(model, test.inputs(frontend)),
            "int8": int8_logits(tflite, test.features).argmax(axis=1).astype(np.int64),
            "forest": forest.predict(unknown),
        }
        run = {
            name: evaluate(test.labels, guess, test.groups, project.labels).to_dict()
            for name, guess in guesses.items()
        }
        runs.append({"seed": seed, "model_bytes": len(tflite), **run})
        print({name: round(figures["macro_f1"], 4) for name, figures in run.items()}, flush=True)
    mean = {
        name: float(np.mean([run[name]["macro_f1"] for run in runs]))
        for name in ("float", "int8", "forest")
    }
    report.figures = {
        "simulated": True,
        "train_machines": TRAIN_MACHINES,
        "test_machines": TEST_MACHINES,
        "seconds_per_recording": SECONDS,
        "recipe": recipe.__dict__,
        "macro_f1": mean,
        "runs": runs,
    }
    report.at_least("int8 macro F1, unseen motors, mean of seeds", mean["int8"], 0.95)
    report.at_most("forest on RMS, kurtosis, crest: macro F1", mean["forest"], 0.80)
    report.at_most("int8 loss against float", mean["float"] - mean["int8"], 0.01)
    report.finish()


if __name__ == "__main__":
    main()
