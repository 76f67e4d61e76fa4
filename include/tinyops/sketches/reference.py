"""The reference of a release: what its devices' frame sets are judged against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyops.errors import TinyOpsError
from tinyops.projects.monitoring_section import Monitoring
from tinyops.sketches.accuracy import Calibration, calibrate
from tinyops.sketches.components import CELLS, FEATURE_NAMES, Floats, cells_of_windows
from tinyops.sketches.conditions import units_of
from tinyops.sketches.frames import BINS, CLASSES, FEATURES
from tinyops.sketches.reference_json import (
    decode_view,
    encode_view,
    read_content,
    write_content,
)
from tinyops.sketches.sketch import Counts, SketchSpec, beyond
from tinyops.sketches.unseen import beyond_others, folds_of, unseen_features
from tinyops.sketches.view import Origin, View, build_view

HELD_OUT = ("validation", "test")
CONFIDENCE = "confidence"
_FEWEST_HELD_OUT = 5


class ReferenceError(TinyOpsError):
    """No reference can be made of these windows, or a file holds none."""


@dataclass(frozen=True, eq=False)
class Reference:
    """One release's reference.

    Parameters
    ----------
    tag
        12 hexadecimal digits: frames that carry it are compared with this.
    labels
        Names of the classes. A frame counts the eighth and all after it as one.
    monitoring
        The section of project.yaml as it was at the release.
    confidence_edges
        uint8 [7], of confidences in 1/256: a bin is the number of edges that are <= it.
    inputs
        The features of the inputs.
    confidence
        The confidence; None where nothing is known of it without drift, see `build_reference`.
    table
        int64 [condition of inputs, class, 35]: windows of each condition and predicted class, by
        bin of each feature, out of range of each, confidence bin.
    confusion
        int64 [label][prediction], windows of validation and test parts.
    """

    tag: str
    model_sha256: str
    labels: tuple[str, ...]
    monitoring: Monitoring
    confidence_edges: NDArray[np.uint8]
    inputs: View
    confidence: View | None
    table: NDArray[np.int64]
    calibration: Calibration
    confusion: NDArray[np.int64]

    @property
    def classes(self) -> int:
        """Counters of classes in use, at most 8."""
        return self.table.shape[1]

    @property
    def class_names(self) -> tuple[str, ...]:
        """What each of these counters counts."""
        names = (*self.labels[: CLASSES - 1], " or ".join(self.labels[CLASSES - 1 :]))
        return names[: self.classes]

    @property
    def counts(self) -> Counts:
        """The counts of all reference windows, as if they had not been in it (`unseen`)."""
        cells = self.table.sum(axis=0)
        return _counts(cells.sum(axis=0), cells[:, :BINS].sum(axis=1))

    def expected(self, classes: Floats, weights: Floats) -> Counts:
        """As many windows as the reference has, in the bins where shares of predicted classes [C]
        and of conditions [O] put them."""
        used = self.table.sum(axis=0, keepdims=True) + self.table * 1e6
        sizes = np.maximum(used[:, :, :BINS].sum(axis=2, keepdims=True), 1e-12)
        shares = np.einsum("o,c,ocx->x", weights, classes, used / sizes)
        total = int(self.table[:, :, :BINS].sum())
        rows = [shares[at : at + BINS] for at in range(0, FEATURES * BINS, BINS)]
        out = np.rint(shares[FEATURES * BINS : CELLS] * total).astype(np.int64)
        whole = [_whole(row, total) for row in [*rows, shares[CELLS:]]]
        cells = np.concatenate([*whole[:FEATURES], out, whole[-1]])
        return _counts(cells, _whole(classes, total))

    def to_json(self) -> str:
        """The content of reference.json."""
        return write_content(
            {
                "tag": self.tag,
                "model_sha256": self.model_sha256,
                "labels": list(self.labels),
                "monitoring": self.monitoring.model_dump(),
                "confidence_edges": self.confidence_edges.tolist(),
                "inputs": encode_view(self.inputs),
                "confidence": self.confidence and encode_view(self.confidence),
                "table": self.table.tolist(),
                "calibration": self.calibration.__dict__,
                "confusion": self.confusion.tolist(),
            }
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> Reference:
        """The reference that `to_json` wrote; ReferenceError when it is none."""
        try:
            content = read_content(text)
            calibration, sure = content["calibration"], content["confidence"]
            return cls(
                tag=content["tag"],
                model_sha256=content["model_sha256"],
                labels=tuple(content["labels"]),
                monitoring=Monitoring.model_validate(content["monitoring"]),
                confidence_edges=np.array(content["confidence_edges"], np.uint8),
                inputs=decode_view(content["inputs"]),
                confidence=decode_view(sure) if sure else None,
                table=np.array(content["table"], np.int64),
                calibration=Calibration(
                    windows=tuple(calibration["windows"]),
                    right=tuple(calibration["right"]),
                    correlation=calibration["correlation"],
                    recording_windows=calibration["recording_windows"],
                ),
                confusion=np.array(content["confusion"], np.int64),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ReferenceError(f"reference.json: {error}", "release the version again") from None


def build_reference(
    spec: SketchSpec,
    features: NDArray[np.int8],
    labels: NDArray[np.integer],
    groups: NDArray[np.str_],
    batches: NDArray[np.str_],
    parts: NDArray[np.str_],
    logits: NDArray[np.int8],
    confidences: NDArray[np.integer],
    monitoring: Monitoring,
    names: Sequence[str],
    model_sha256: str,
    seed: int = 0,
) -> Reference:
    """The reference of a model from labelled windows without overlap, n of them.

    The inputs are watched in all windows, counted as if they had not been in the reference. The
    confidence is watched where devices meet machines that the model has not learnt, as the held-out
    parts have them: on windows that it has learnt it is surer than on any others. Of a fixed
    population, most of which it has learnt, nothing is known of how sure it is of new windows, and
    of a model that is as sure of all nothing is known of how that varies.

    Parameters
    ----------
    spec
        A sketch of the same windows, made with the same `conditions.units_of`.
    features
        int8 [n, ...], the model's inputs.
    labels, groups, batches, parts
        [n]; class, machine or person, batch, and train, validation or test.
    logits
        int8 [n, classes].
    confidences
        [n], what the device reports of them, in 1/256.
    names
        The classes' names.

    Raises
    ------
    ReferenceError
        No window is of a held-out part, or the windows cannot tell drift from none.
    """
    held_out = np.isin(parts, HELD_OUT)
    if not held_out.any():
        raise ReferenceError("the reference has no validation or test window", "train again")
    rng = np.random.default_rng(seed)
    decided, truth = logits.argmax(axis=1), np.asarray(labels, np.int64)
    classes = min(len(names), CLASSES)
    origin = Origin(
        labels=np.minimum(truth, classes - 1),
        predicted=np.minimum(decided, classes - 1),
        groups=groups,
        batches=batches,
        classes=classes,
    )
    folds = folds_of(units_of(monitoring.population, groups))
    unseen = unseen_features(features, spec.weights, folds)
    out = beyond_others(unseen, folds, beyond(len(unseen)) / len(unseen))
    cells = cells_of_windows(spec, unseen, out)
    bins = spec.confidence_bins(confidences)
    sure = np.eye(BINS)[bins]
    both = monitoring.population == "open" and len(np.unique(groups[held_out])) >= _FEWEST_HELD_OUT
    rate = monitoring.false_alarm_rate / (2 if both else 1)
    inputs, of_window = build_view(FEATURE_NAMES, cells, origin, monitoring, rate, rng)
    if weakness := inputs.weakness():
        raise ReferenceError(
            f"the reference cannot judge: {weakness}",
            "send recordings of more machines and of more states, and train again",
        )
    confidence = None
    if both:
        confidence, _ = build_view(
            (CONFIDENCE,), sure[held_out], origin.at(held_out), monitoring, rate, rng
        )
        # A model that is as sure of every held-out window says nothing of what is usual.
        confidence = None if confidence.weakness() else confidence
    counted = np.concatenate([cells, sure], axis=1)
    table = np.zeros((len(inputs.conditions), classes, counted.shape[1]))
    np.add.at(table, (of_window, origin.predicted), counted)
    machine = np.unique(groups, return_inverse=True)[1].reshape(-1)
    recordings = np.unique(np.stack([machine, truth]), axis=1, return_inverse=True)[1].reshape(-1)
    right = decided == truth
    confusion = np.zeros((len(names), len(names)), np.int64)
    np.add.at(confusion, (truth[held_out], decided[held_out]), 1)
    return Reference(
        tag=spec.reference_tag(model_sha256),
        model_sha256=model_sha256,
        labels=tuple(names),
        monitoring=monitoring,
        confidence_edges=spec.confidence_edges,
        inputs=inputs,
        confidence=confidence,
        table=table.astype(np.int64),
        calibration=calibrate(bins[held_out], right[held_out], recordings[held_out]),
        confusion=confusion,
    )


def _counts(cells: NDArray[np.int64], classes: NDArray[np.int64]) -> Counts:
    return Counts(
        n=int(classes.sum()),
        histograms=cells[: FEATURES * BINS].reshape(FEATURES, BINS),
        out_of_range=cells[FEATURES * BINS : CELLS],
        confidence=cells[CELLS:],
        classes=np.pad(classes, (0, CLASSES - len(classes))),
    )


def _whole(shares: Floats, total: int) -> NDArray[np.int64]:
    """Shares as whole numbers that sum to the total (largest remainders)."""
    exact = shares / shares.sum() * total
    found = np.floor(exact).astype(np.int64)
    rest = np.argsort(found - exact, kind="stable")[: total - int(found.sum())]
    found[rest] += 1
    return found
