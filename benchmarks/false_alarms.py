"""False alarms without drift, alarms with it, and the windows until the first.

Simulated motors: references as a first batch of 60 motors gives them (36 that the model has learnt,
24 held out), four models by five sets of held-out motors. Their frame sets come from one pool of
20,000 windows, each of another motor in a random state, as `motor_health` is used; a set has no
window twice, but sets share windows (each is in about 26 of the 2,000 sets).

UESTC bearing data, one speed: the reference is one half of each file and the sets come from the
other, by a model that has learnt the other speeds only; the population is fixed. There are 192
windows in a half, so sets are of 64 windows, and all but three of a half share windows.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from benchmarks.drift_rules import (
    OURS,
    Judges,
    Tally,
    Windows,
    decided,
    evidently_columns,
    evidently_share,
    join,
)
from benchmarks.report import Report, options
from benchmarks.uestc import FOLDER, windows_at
from tinyops.conversion.tflite.int8 import quantise
from tinyops.data.recordings.recording import Recording
from tinyops.data.recordings.sources import generate, source_for
from tinyops.data.recordings.sources.machine import Scenario
from tinyops.data.recordings.sources.machine_simulator import CHANGED
from tinyops.frontend import from_project
from tinyops.projects import load_project
from tinyops.training.fit import fit
from tinyops.training.recipe import recipe_of
from tinyops.training.windows import WindowSet, windows_of

PROJECT = load_project("motor_health")
FRONTEND = from_project(PROJECT.frontend, PROJECT.signal)
MONITORING = PROJECT.monitoring
RATE = MONITORING.false_alarm_rate
LEARNT, HELD_OUT = 36, 24
CHANGES = {
    "demo (speed 0.6, load from 0.6)": CHANGED,
    "speed 0.7": Scenario(speed=0.7),
    "speed 1.3": Scenario(speed=1.3),
    "noise 2": Scenario(noise=2.0),
}
DEMO = next(iter(CHANGES))


def main() -> None:
    """Simulated motors, then real bearings."""
    report = Report("false_alarms", options(__doc__).quick)
    sizes = (1, 2, 4000, 40) if report.quick else (4, 5, 20_000, 100)
    report.figures = {"stated_rate": RATE} | simulated(report, *sizes)
    if FOLDER.exists():
        report.figures |= real(report, 100 if report.quick else 500)
    else:
        print(f"UESTC skipped: {FOLDER} is not here")
    report.finish()


def simulated(
    report: Report, models: int, references: int, pool_size: int, sets: int
) -> dict[str, object]:
    """`models` by `references` references, `sets` frame sets for each."""
    rng = np.random.default_rng(1)
    pool = windows_of(islice(source_for(PROJECT).replay(101), pool_size), PROJECT, FRONTEND)
    changed = {
        name: windows_of(_single(202, 250, scenario), PROJECT, FRONTEND)
        for name, scenario in CHANGES.items()
    }
    none, healthy, power = Tally(), Tally(), {name: Tally() for name in CHANGES}
    levels: list[float] = []
    delays: list[int] = []
    errors, covered, agreed = [], [], []
    for seed in range(models):
        model = _model(windows_of(_batch(seed, 0, LEARNT), PROJECT, FRONTEND, 2), seed, 15)
        learnt = _said(model, windows_of(_batch(seed, 0, LEARNT), PROJECT, FRONTEND))
        usual = _said(model, pool)
        unusual = {name: _said(model, windows) for name, windows in changed.items()}
        normal = np.flatnonzero(usual.labels == PROJECT.labels.index("normal"))
        for number in range(references):
            first = LEARNT + number * HELD_OUT
            unseen = _said(model, windows_of(_batch(seed, first, HELD_OUT), PROJECT, FRONTEND))
            parts = np.repeat(["train", "test"], [len(learnt), len(unseen)])
            judges = Judges.of(join(learnt, unseen), parts, MONITORING, PROJECT.labels)
            for turn in range(sets):
                windows = _drawn(rng, usual)
                evidence = judges.evidence(windows)
                none.add(judges.alarms(windows))
                levels.append(evidence.p)
                estimate = evidence.estimated_accuracy
                errors.append(abs(estimate.value - windows.accuracy))
                covered.append(estimate.low <= windows.accuracy <= estimate.high)
                if turn == 0:
                    raw = judges.sketch.features(windows.features)
                    share = np.mean(evidently_columns(judges.raw, raw))
                    agreed.append(share == evidently_share(judges.raw, raw))
            for _ in range(sets // 4):
                healthy.add(judges.alarms(_drawn(rng, usual.at(normal))))
            for name, tally in power.items():
                for _ in range(sets // 4):
                    tally.add(judges.alarms(_drawn(rng, unusual[name])))
            delays += [_delay(rng, judges, usual, unusual[DEMO]) for _ in range(max(sets // 4, 10))]
        print(f"model {seed}: {none.rates()}", flush=True)
    report.at_most("false alarms in no-drift sets of simulated motors", none.count(), 2)
    report.at_most("share of these with p at most 0.01", _share_below(levels, 0.01), 0.02)
    report.at_most("false alarms in sets of healthy motors only", healthy.count(), 2)
    for name, tally in power.items():
        report.at_least(f"detected: {name}", tally.rates()[OURS], 0.9)
    report.at_most("windows until the alarm, median", float(np.median(delays)), 300)
    report.at_most("windows until the alarm, 95 %", float(np.quantile(delays, 0.95)), 300)
    report.at_most("error of the estimated accuracy without drift", float(np.mean(errors)), 0.03)
    report.at_least("Evidently's report and its test agree", float(np.mean(agreed)), 1.0)
    rows = {f"{name}, power": tally.rates() for name, tally in power.items()}
    return {
        "simulated_references": models * references,
        "simulated_sets": none.sets,
        "simulated_pool_windows": len(pool),
        "set_windows": MONITORING.set_windows,
        "seen_with_p_at_most_0.01": _share_below(levels, 0.01),
        "seen_with_p_at_most_0.001": _share_below(levels, 0.001),
        "estimated_accuracy_mean_error": float(np.mean(errors)),
        "estimated_accuracy_covered_by_95_interval": float(np.mean(covered)),
        "alarm_rates": {"no drift": none.rates(), "healthy motors only": healthy.rates()} | rows,
    }


def real(report: Report, sets: int) -> dict[str, object]:
    """Each half of the files of 800 rpm as the reference of the other."""
    rng = np.random.default_rng(2)
    window = PROJECT.signal.window
    taught, tested = (
        [
            (FRONTEND.run(raw), labels, files)
            for raw, labels, files in (
                windows_at(FOLDER / f"uestc_{rpm}rpm.npz", PROJECT.labels, window, window // cut)
                for rpm in speeds
            )
        ]
        for speeds, cut in (((1000, 1200), 2), ((800, 1000), 1))
    )
    features, labels, files = (np.concatenate(each) for each in zip(*taught, strict=True))
    model = _model(WindowSet(features, labels, files, len(set(files))), 1, 15)
    same, other = (decided(model, *part) for part in tested)
    place = np.concatenate([np.arange((same.groups == name).sum()) for name in _kept(same.groups)])
    half = place >= place.max() / 2
    monitoring = MONITORING.model_copy(update={"population": "fixed", "frame_windows": 16})
    none, faster = Tally(), Tally()
    for turn in (half, ~half):
        reference, rest = same.at(np.flatnonzero(turn)), same.at(np.flatnonzero(~turn))
        parts = np.full(len(reference), "test")
        judges = Judges.of(reference, parts, monitoring, PROJECT.labels)
        for _ in range(sets):
            none.add(judges.alarms(_drawn(rng, rest, monitoring.set_windows)))
            faster.add(judges.alarms(_drawn(rng, other, monitoring.set_windows)))
    report.at_most("false alarms in no-drift sets of real bearings", none.count(), 2)
    report.at_least("detected: real bearings at 1000 rpm", faster.rates()[OURS], 0.5)
    return {
        "real_sets": none.sets,
        "real_windows_of_a_half": int(half.sum()),
        "real_alarm_rates": {"no drift": none.rates(), "1000 rpm, power": faster.rates()},
    }


def _kept(groups: NDArray[np.str_]) -> list[str]:
    return list(dict.fromkeys(groups.tolist()))


def _batch(seed: int, first: int, machines: int) -> Iterator[Recording]:
    return generate(PROJECT, seed, machines=machines, seconds=2.0, start_machine=first)


def _single(seed: int, machines: int, scenario: Scenario) -> Iterator[Recording]:
    """One window of every motor in every state."""
    seconds = PROJECT.signal.window / PROJECT.signal.rate_hz
    return generate(PROJECT, seed, machines=machines, seconds=seconds, scenario=scenario)


def _model(train: WindowSet, seed: int, epochs: int) -> bytes:
    """Trained for half as long as the project's models, which serves here."""
    recipe = replace(recipe_of(PROJECT.training), seed=seed, epochs=epochs)
    model = fit(train, None, FRONTEND, len(PROJECT.labels), recipe, say=lambda line: None)
    sample = train.features[:: max(1, len(train) // 256)]
    return quantise(model, sample, FRONTEND.input_scale, FRONTEND.input_zero_point)


def _said(model: bytes, windows: WindowSet) -> Windows:
    return decided(model, windows.features, windows.labels, windows.groups)


def _drawn(rng: np.random.Generator, windows: Windows, size: int = 0) -> Windows:
    return windows.at(rng.choice(len(windows), size or MONITORING.set_windows, replace=False))


def _delay(rng: np.random.Generator, judges: Judges, usual: Windows, changed: Windows) -> int:
    """Windows from the change, anywhere in a frame, to the end of the first set with an alarm."""
    frame, frames = MONITORING.frame_windows, MONITORING.set_frames
    before = frame * frames - int(rng.integers(frame))
    stream = join(_drawn(rng, usual, before), _drawn(rng, changed, 3 * frame * frames))
    for end in range(frame * frames, len(stream) + 1, frame):
        rows = np.arange(end - frame * frames, end)
        if judges.evidence(stream.at(rows)).drifted:
            return end - before
    return len(stream)


def _share_below(found: Iterable[float], level: float) -> float:
    return float(np.mean(np.array(list(found)) <= level))


if __name__ == "__main__":
    sys.exit(main())
