"""What one device counts of the windows it sees: three features in eight bins each, and the like.

The counting is defined here and in firmware/monitor/sketch.c, in integers, bit for bit alike; the
golden vectors in tests/firmware/data hold both to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyops.errors import TinyOpsError
from tinyops.sketches.frames import BINS, CLASSES, SketchFrame, tag_byte
from tinyops.sketches.unseen import folds_of, unseen_features
from tinyops.store.content import content_id

_ROWS = 2048
_TAIL = 200
_FEWEST_BEYOND = 4
_HIGHEST = 2**31 - 1


class SketchError(TinyOpsError):
    """No sketch can be made of this reference."""


@dataclass(frozen=True, eq=False)
class SketchSpec:
    """How a device counts. D is the number of values in the model's input.

    Parameters
    ----------
    center
        int8 [D], what is subtracted from an input.
    weights
        int8 [2, D], the projections; no row is all zero.
    edges
        int32 [3, 7] ascending: a feature's bin is the number of its edges that are <= it.
    low, high
        int32 [3]: a feature below or above is out of range.
    confidence_edges
        uint8 [7] ascending, the same for the confidence in 1/256.
    every
        Every so manieth window since boot is counted, the first included; 1 to 65535.
    frame_windows
        Counted windows a frame, 1 to 255.
    """

    center: NDArray[np.int8]
    weights: NDArray[np.int8]
    edges: NDArray[np.int32]
    low: NDArray[np.int32]
    high: NDArray[np.int32]
    confidence_edges: NDArray[np.uint8]
    every: int
    frame_windows: int

    @property
    def size(self) -> int:
        """D."""
        return len(self.center)

    @property
    def norms(self) -> NDArray[np.uint32]:
        """[2], the squared length of each row of `weights`."""
        return _norms(self.weights).astype(np.uint32)

    def features(self, x: NDArray[np.int8]) -> NDArray[np.int32]:
        """The features [n, 3] of inputs [n, ...]: two projections, and what they leave unexplained
        of the squared distance from the center."""
        return _features(x, self.center, self.weights)

    def bins(self, features: NDArray[np.int32]) -> NDArray[np.uint8]:
        """The bin 0 to 7 of each feature, [n, 3]."""
        columns = [
            np.searchsorted(edges, column, side="right")
            for edges, column in zip(self.edges, features.T, strict=True)
        ]
        return np.stack(columns, axis=1).astype(np.uint8)

    def out_of_range(self, features: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which features the reference hardly has, [n, 3]."""
        return (features < self.low) | (features > self.high)

    def confidence_bins(self, confidences: NDArray[np.integer]) -> NDArray[np.uint8]:
        """The bin 0 to 7 of each confidence in 1/256, [n]."""
        return np.searchsorted(self.confidence_edges, confidences, side="right").astype(np.uint8)

    def reference_tag(self, model_sha256: str) -> str:
        """12 hexadecimal digits: frames with the same tag can be compared."""
        return content_id({"model": model_sha256, "sketch": self.to_dict()}, 12)

    def to_dict(self) -> dict[str, Any]:
        """JSON content; `from_dict` reads it back."""
        return {
            "center": self.center.tolist(),
            "weights": self.weights.tolist(),
            "edges": self.edges.tolist(),
            "low": self.low.tolist(),
            "high": self.high.tolist(),
            "confidence_edges": self.confidence_edges.tolist(),
            "every": self.every,
            "frame_windows": self.frame_windows,
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> SketchSpec:
        """The spec that `to_dict` wrote."""
        return cls(
            center=np.array(content["center"], np.int8),
            weights=np.array(content["weights"], np.int8),
            edges=np.array(content["edges"], np.int32),
            low=np.array(content["low"], np.int32),
            high=np.array(content["high"], np.int32),
            confidence_edges=np.array(content["confidence_edges"], np.uint8),
            every=int(content["every"]),
            frame_windows=int(content["frame_windows"]),
        )


@dataclass(frozen=True, eq=False)
class Counts:
    """What was counted in `n` windows: [3, 8] per feature and bin, [3], [8] and [8]."""

    n: int
    histograms: NDArray[np.int64]
    out_of_range: NDArray[np.int64]
    confidence: NDArray[np.int64]
    classes: NDArray[np.int64]


def build_sketch(
    features: NDArray[np.int8],
    confidences: NDArray[np.integer],
    *,
    every: int,
    frame_windows: int,
    units: NDArray[np.integer] | None = None,
) -> SketchSpec:
    """A sketch whose bins are about equally full over the reference windows.

    Parameters
    ----------
    features
        int8 [n, ...], the model's inputs of the reference windows.
    confidences
        [n], what the device would report of them, in 1/256.
    units
        [n], what came together; then the bins are as full over other windows of the same kind.

    Raises
    ------
    SketchError
        There are too few windows or values to tell bins apart, or `every` or `frame_windows` is
        out of range.
    """
    x = features.reshape(len(features), -1)
    if len(x) < BINS or x.shape[1] < 2 or len(confidences) != len(x):
        raise SketchError(
            f"a sketch of {len(x)} windows of {x.shape[-1]} values and {len(confidences)} "
            "confidences",
            f"give at least {BINS} windows of 2 values, and a confidence for each",
        )
    if not (1 <= every <= 65535 and 1 <= frame_windows <= 255):
        raise SketchError(
            f"every {every} windows, {frame_windows} a frame",
            "count every 1 to 65535 windows and 1 to 255 a frame",
        )
    center = np.rint(x.mean(axis=0)).astype(np.int8)
    weights = _principal(x, center)
    if units is None:
        values = _features(x, center, weights)
    else:
        values = unseen_features(x, weights, folds_of(units))
    values = np.sort(values, axis=0)
    tail = beyond(len(values))
    return SketchSpec(
        center=center,
        weights=weights,
        edges=np.stack([_equal_edges(column) for column in values.T]),
        low=values[tail],
        high=values[-1 - tail],
        confidence_edges=_equal_edges(np.sort(confidences)).astype(np.uint8),
        every=every,
        frame_windows=frame_windows,
    )


def beyond(windows: int) -> int:
    """How many of so many reference windows are out of range at either end of a feature."""
    # How often that happens must be known from a few, not from none.
    return max(windows // _TAIL, min(_FEWEST_BEYOND, windows // (2 * BINS)))


def count(
    spec: SketchSpec,
    x: NDArray[np.int8],
    classes: NDArray[np.integer],
    confidences: NDArray[np.integer],
) -> Counts:
    """What a device counts of these windows, all of them: inputs [n, ...], classes and confidences
    in 1/256 [n]."""
    features = spec.features(x)
    bins = spec.bins(features)
    return Counts(
        n=len(x),
        histograms=np.stack([np.bincount(column, minlength=BINS) for column in bins.T]),
        out_of_range=spec.out_of_range(features).sum(axis=0),
        confidence=np.bincount(spec.confidence_bins(confidences), minlength=BINS),
        classes=np.bincount(np.minimum(classes, CLASSES - 1), minlength=CLASSES),
    )


def frame_of(
    counts: Counts, model_sha256: str, reference_tag: str, window: int, flags: int = 0
) -> SketchFrame:
    """The frame of at most 255 windows; `window` windows were counted before them."""
    return SketchFrame(
        model=bytes.fromhex(model_sha256)[0],
        reference=tag_byte(reference_tag),
        window=window % 65536,
        n=counts.n,
        flags=flags,
        histograms=tuple(tuple(row) for row in counts.histograms.tolist()),
        out_of_range=tuple(counts.out_of_range.tolist()),
        confidence=tuple(counts.confidence.tolist()),
        classes=tuple(counts.classes.tolist()),
    )


def _features(
    x: NDArray[np.int8], center: NDArray[np.int8], weights: NDArray[np.int8]
) -> NDArray[np.int32]:
    found = np.empty((len(x), 3), np.int32)
    for start in range(0, len(x), _ROWS):  # a few MB at a time
        rows = x[start : start + _ROWS]
        distance = rows.reshape(len(rows), -1).astype(np.int64) - center
        projections = distance @ weights.astype(np.int64).T
        rest = np.einsum("nd,nd->n", distance, distance)
        rest = rest - (projections**2 // _norms(weights)).sum(axis=1)
        found[start : start + _ROWS, :2] = projections
        found[start : start + _ROWS, 2] = rest.clip(0, _HIGHEST)
    return found


def _norms(weights: NDArray[np.int8]) -> NDArray[np.int64]:
    return np.square(weights.astype(np.int64)).sum(axis=1)


def _principal(x: NDArray[np.int8], center: NDArray[np.int8]) -> NDArray[np.int8]:
    rows = x[np.linspace(0, len(x) - 1, min(len(x), _ROWS)).astype(int)]
    distance = rows.astype(np.float64) - center
    vectors = np.linalg.svd(distance, full_matrices=False)[2][:2]
    largest = np.abs(vectors).argmax(axis=1)[:, None]
    return np.rint(127 * vectors / np.take_along_axis(vectors, largest, axis=1)).astype(np.int8)


def _equal_edges(ordered: NDArray[np.integer]) -> NDArray[np.int32]:
    # From the top, each bin takes its share of what is left: a value that many windows share fills
    # one bin and not several. Edges that nothing is left for repeat the lowest value.
    edges: list[int] = []
    left = len(ordered)
    for bins in range(BINS, 1, -1):
        first = max(left - max(round(left / bins), 1), 0)
        edges.append(int(ordered[first]))
        left = int(np.searchsorted(ordered, ordered[first]))
    return np.array(edges[::-1], np.int32)
