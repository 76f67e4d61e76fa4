"""Real bearings at a speed that was not trained: 800 and 1000 rpm to train, 1200 rpm to test.

UESTC bearing data (C. Liu et al., doi 10.1109/JSEN.2025.3635217), 20 kHz. The frontend and model of
`motor_health` against a random forest on the normalised log spectrum of the same windows. One
bearing a class, so this shows speed, not unseen machines.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import SHARED, Report, options
from tinyops.conversion.tflite.int8 import quantise
from tinyops.conversion.tflite.litert import int8_logits
from tinyops.frontend import cut_windows, from_project
from tinyops.projects import load_project
from tinyops.training.evaluate import evaluate
from tinyops.training.fit import fit, predict
from tinyops.training.recipe import recipe_of
from tinyops.training.windows import WindowSet

FOLDER = SHARED / "data" / "uestc"
SEEDS = (1, 2, 3)
BANDS = 128


def windows_at(
    path: Path, labels: list[str], window: int, hop: int
) -> tuple[NDArray[np.int16], NDArray[np.int64], NDArray[np.str_]]:
    """Windows of one speed, cut from the contiguous files that its rows are pieces of."""
    data = np.load(path)
    windows, classes, files = [], [], []
    for name in np.unique(data["source_file"]):
        rows = np.flatnonzero(data["source_file"] == name)
        rows = rows[np.argsort(data["start"][rows])]
        length = data["signal"].shape[1]
        if (np.diff(data["start"][rows]) != length).any():
            raise ValueError(f"{path.name}: {name} is not contiguous")
        # The frontend takes no notice of gain, so the stored counts serve as they are.
        counts = data["signal"][rows].reshape(-1, 1)
        cut = cut_windows(counts, window, hop)
        windows.append(cut)
        classes += [labels.index(str(data["label"][rows[0]]))] * len(cut)
        files += [str(name)] * len(cut)
    return np.concatenate(windows), np.array(classes), np.array(files)


def log_bands(windows: NDArray[np.int16]) -> NDArray[np.float64]:
    """Log power in BANDS equal bands, less its mean over the window's bands."""
    signal = windows[..., 0] - windows[..., 0].mean(axis=1, keepdims=True)
    power = np.abs(np.fft.rfft(signal * np.hanning(signal.shape[1]), axis=1)) ** 2
    bands = power[:, : signal.shape[1] // 2].reshape(len(signal), BANDS, -1).sum(axis=2)
    level = np.log(bands + 1e-9)
    return np.asarray(level - level.mean(axis=1, keepdims=True))


def main() -> None:
    """Run all seeds."""
    from sklearn.ensemble import RandomForestClassifier

    report = Report("uestc", options(__doc__).quick)
    if not FOLDER.exists():
        print(f"skipped: {FOLDER} is not here")
        sys.exit(0)
    project = load_project("motor_health")
    frontend = from_project(project.frontend, project.signal)
    recipe, window = recipe_of(project.training), project.signal.window
    hop = window // recipe.overlap
    parts = [
        windows_at(FOLDER / f"uestc_{rpm}rpm.npz", project.labels, window, hop)
        for rpm in (800, 1000)
    ]
    raw, labels, files = (np.concatenate([part[i] for part in parts]) for i in range(3))
    unseen, truth, origin = windows_at(FOLDER / "uestc_1200rpm.npz", project.labels, window, window)
    train = WindowSet(frontend.run(raw), labels, files, files)
    test = WindowSet(frontend.run(unseen), truth, origin, origin)
    runs = []
    for seed in SEEDS[:1] if report.quick else SEEDS:
        used = replace(recipe, seed=seed, epochs=recipe.epochs // (4 if report.quick else 1))
        model = fit(train, None, frontend, len(project.labels), used, say=lambda line: None)
        tflite = quantise(
            model,
            train.features[:: max(1, len(train) // 256)],
            frontend.input_scale,
            frontend.input_zero_point,
        )
        forest = RandomForestClassifier(300, random_state=seed).fit(log_bands(raw), labels)
        guesses = {
            "float": predict(model, test.inputs(frontend)),
            "int8": int8_logits(tflite, test.features).argmax(axis=1).astype(np.int64),
            "forest": forest.predict(log_bands(unseen)),
        }
        run = {
            name: evaluate(truth, guess, origin, project.labels).to_dict()
            for name, guess in guesses.items()
        }
        runs.append({"seed": seed, "model_bytes": len(tflite), **run})
        print({name: round(figures["macro_f1"], 4) for name, figures in run.items()}, flush=True)
    mean = {
        name: float(np.mean([run[name]["macro_f1"] for run in runs]))
        for name in ("float", "int8", "forest")
    }
    report.figures = {
        "simulated": False,
        "train_windows": len(train),
        "test_windows": len(test),
        "recipe": recipe.__dict__,
        "macro_f1": mean,
        "runs": runs,
    }
    report.at_least("int8 macro F1 less the forest's", mean["int8"] - mean["forest"], -0.02)
    report.at_most("int8 loss against float", mean["float"] - mean["int8"], 0.01)
    report.finish()


if __name__ == "__main__":
    main()
