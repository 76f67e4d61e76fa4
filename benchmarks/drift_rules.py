"""Rules that decide whether a frame set has drifted, side by side on the same windows.

Ours sees a device's counts. Evidently sees the three features of the same windows before they are
binned, as its users would give them; PSI sees their eight bins. Each rule is used as it is
recommended: Evidently's default tests of each column and its dataset drift at half of the columns,
PSI > 0.1 and PSI > 0.2.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyops.conversion.images.parameters import confidences_q8, exponent_table
from tinyops.conversion.tflite.int8 import output_scale
from tinyops.conversion.tflite.litert import int8_logits
from tinyops.monitoring.effects import psi
from tinyops.monitoring.evidence import Evidence, judge_frame_set
from tinyops.projects.monitoring_section import Monitoring
from tinyops.sketches.conditions import units_of
from tinyops.sketches.reference import Reference, build_reference
from tinyops.sketches.sketch import SketchSpec, build_sketch, count

OURS = "TinyOps"
EVIDENTLY_DATASET = "Evidently default, half of the columns"
EVIDENTLY_ANY = "Evidently default, any column"


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows and what one model says of them, n of them: features int8 [n, ...], the rest [n]."""

    features: NDArray[np.int8]
    labels: NDArray[np.int64]
    groups: NDArray[np.str_]
    logits: NDArray[np.int8]
    confidences: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, rows: NDArray[np.integer]) -> Windows:
        """Some of them."""
        return Windows(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    @property
    def accuracy(self) -> float:
        """Share that the model has right."""
        return float((self.logits.argmax(axis=1) == self.labels).mean())


def decided(
    tflite: bytes,
    features: NDArray[np.int8],
    labels: NDArray[np.int64],
    groups: NDArray[np.str_],
) -> Windows:
    """Run a model over windows."""
    logits = int8_logits(tflite, features)
    table = exponent_table(output_scale(tflite))
    return Windows(features, labels, groups, logits, confidences_q8(logits, table))


def join(*parts: Windows) -> Windows:
    """All windows of all parts."""
    names = Windows.__dataclass_fields__
    return Windows(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True, eq=False)
class Judges:
    """One reference, and every rule that goes by it."""

    sketch: SketchSpec
    reference: Reference
    raw: NDArray[np.int32]

    @classmethod
    def of(
        cls, windows: Windows, parts: NDArray[np.str_], monitoring: Monitoring, names: list[str]
    ) -> Judges:
        """From the windows of a reference and the part that each is in."""
        sketch = build_sketch(
            windows.features,
            windows.confidences,
            every=monitoring.every,
            frame_windows=monitoring.frame_windows,
            units=units_of(monitoring.population, windows.groups),
        )
        reference = build_reference(
            sketch,
            windows.features,
            windows.labels,
            windows.groups,
            np.full(len(windows), "batch"),
            parts,
            windows.logits,
            windows.confidences,
            monitoring,
            names,
            "00" * 32,
        )
        return cls(sketch, reference, sketch.features(windows.features))

    def evidence(self, windows: Windows) -> Evidence:
        """What ours has to say."""
        classes = windows.logits.argmax(axis=1)
        found = count(self.sketch, windows.features, classes, windows.confidences)
        return judge_frame_set(self.reference, found)

    def alarms(self, windows: Windows) -> dict[str, bool]:
        """Which rules see drift in a frame set."""
        evidence = self.evidence(windows)
        drifted = evidently_columns(self.raw, self.sketch.features(windows.features))
        shares = [
            psi(reference, found)
            for reference, found in zip(
                self.reference.counts.histograms, evidence.found.histograms, strict=True
            )
        ]
        found = {
            OURS: evidence.drifted,
            EVIDENTLY_DATASET: np.mean(drifted) >= 0.5,
            EVIDENTLY_ANY: any(drifted),
        }
        for limit in (0.1, 0.2):
            above = np.array(shares) > limit
            found[f"PSI > {limit}, any feature"] = above.any()
            found[f"PSI > {limit}, half of the features"] = above.mean() >= 0.5
        return {name: bool(value) for name, value in found.items()}


def evidently_columns(reference: NDArray[np.int32], current: NDArray[np.int32]) -> list[bool]:
    """Whether Evidently's default test of each column sees drift; it chooses the test itself."""
    import pandas as pd
    from evidently.legacy.calculations.stattests.registry import get_stattest

    found = []
    for before, now in zip(reference.T, current.T, strict=True):
        sides = pd.Series(before), pd.Series(now)
        test = get_stattest(*sides, "num", None)
        _, drifted = test.func(*sides, "num", test.default_threshold)
        found.append(bool(drifted))
    return found


def evidently_share(reference: NDArray[np.int32], current: NDArray[np.int32]) -> float:
    """The share of drifted columns in a report of Evidently's DataDriftPreset."""
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    columns = [f"feature {at}" for at in range(reference.shape[1])]
    definition = DataDefinition(numerical_columns=columns)
    sides = [
        Dataset.from_pandas(pd.DataFrame(rows, columns=columns), data_definition=definition)
        for rows in (current, reference)
    ]
    metrics: list[dict[str, Any]] = Report([DataDriftPreset()]).run(*sides).dict()["metrics"]
    return float(metrics[0]["value"]["share"])


class Tally:
    """Alarms of every rule over many frame sets."""

    def __init__(self) -> None:
        self.sets = 0
        self._alarms: Counter[str] = Counter()

    def add(self, alarms: dict[str, bool]) -> None:
        """One set."""
        self.sets += 1
        self._alarms.update({name: int(raised) for name, raised in alarms.items()})

    def count(self, rule: str = OURS) -> int:
        """Alarms."""
        return self._alarms[rule]

    def rates(self) -> dict[str, float]:
        """{rule: share of sets with an alarm}."""
        return {name: raised / self.sets for name, raised in self._alarms.items()}
