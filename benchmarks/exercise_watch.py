"""Shoulder exercises of people whom the model has never seen: leave one person out, all ten.

Real recordings (seglearn's watch data); macro F1 of the int8 model on the left-out person's
windows, averaged over people and seeds. No setting is chosen on the left-out person: epochs are
fixed and there is no early stopping.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.report import Report, options
from tinyops.conversion.tflite.int8 import quantise
from tinyops.conversion.tflite.litert import int8_logits
from tinyops.data.recordings.sources import source_for
from tinyops.frontend import from_project
from tinyops.projects import load_project
from tinyops.training.evaluate import macro_f1
from tinyops.training.fit import fit, predict
from tinyops.training.recipe import recipe_of
from tinyops.training.windows import WindowSet, windows_of

SEEDS = (1, 2, 3)


def main() -> None:
    """Run all people and seeds."""
    report = Report("exercise_watch", options(__doc__).quick)
    project = load_project("exercise_watch")
    source = project.source.model_copy(update={"options": {}})
    everybody = project.model_copy(update={"source": source})
    frontend = from_project(project.frontend, project.signal)
    recipe = recipe_of(project.training)
    recordings = list(source_for(everybody).recordings(0, "full"))
    dense = windows_of(recordings, project, frontend, recipe.overlap)
    plain = windows_of(recordings, project, frontend)
    people = sorted(set(plain.groups.tolist()))
    classes = len(project.labels)
    scores: dict[str, dict[str, list[float]]] = {"float": {}, "int8": {}}
    confusion = np.zeros((classes, classes), dtype=int)
    for seed in SEEDS[:1] if report.quick else SEEDS:
        for person in people[:2] if report.quick else people:
            train, test = without(dense, person), only(plain, person)
            model = fit(
                train, None, frontend, classes, replace(recipe, seed=seed), say=lambda line: None
            )
            tflite = quantise(
                model,
                train.features[:: max(1, len(train) // 256)],
                frontend.input_scale,
                frontend.input_zero_point,
            )
            guesses = {
                "float": predict(model, test.inputs(frontend)),
                "int8": int8_logits(tflite, test.features).argmax(axis=1).astype(np.int64),
            }
            for name, guess in guesses.items():
                score = macro_f1(test.labels, guess, classes)
                scores[name].setdefault(person, []).append(score)
            np.add.at(confusion, (test.labels, guesses["int8"]), 1)
            print(seed, person, {name: round(s[person][-1], 4) for name, s in scores.items()})
    by_person = {person: float(np.mean(found)) for person, found in scores["int8"].items()}
    worst = min(by_person, key=lambda person: by_person[person])
    mean = {name: float(np.mean(list(found.values()))) for name, found in scores.items()}
    report.figures = {
        "simulated": False,
        "people": len(by_person),
        "seeds": list(SEEDS),
        "window_seconds": project.signal.window / project.signal.rate_hz,
        "recipe": recipe.__dict__,
        "macro_f1": mean,
        "by_person_int8": by_person,
        "all_scores": scores,
        "worst_person": worst,
        "worst_person_macro_f1": by_person[worst],
        "labels": project.labels,
        "confusion_int8": confusion.tolist(),
        "model_bytes": len(tflite),
    }
    print(f"worst person {worst}: {by_person[worst]:.4f}")
    report.at_least("int8 macro F1, unseen people, mean", mean["int8"], 0.84)
    report.at_most("int8 loss against float", mean["float"] - mean["int8"], 0.01)
    report.finish()


def without(windows: WindowSet, person: str) -> WindowSet:
    """All windows but one person's."""
    return _chosen(windows, windows.groups != person)


def only(windows: WindowSet, person: str) -> WindowSet:
    """One person's windows."""
    return _chosen(windows, windows.groups == person)


def _chosen(windows: WindowSet, mask: np.ndarray) -> WindowSet:
    return WindowSet(
        windows.features[mask],
        windows.labels[mask],
        windows.groups[mask],
        windows.recordings[mask],
    )


if __name__ == "__main__":
    main()
