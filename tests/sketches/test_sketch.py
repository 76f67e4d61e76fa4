"""The sketch: bins about equally full, ends of range, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tinyops.sketches.frames import tag_byte
from tinyops.sketches.sketch import SketchError, SketchSpec, build_sketch, count, frame_of


def reference(windows: int = 1600, values: int = 40) -> np.ndarray:
    """Windows that vary mainly along two directions, the first one most."""
    generator = np.random.default_rng(0)
    ways = np.zeros((2, values))
    ways[0, :10], ways[1, 10:20] = 1, 1
    mixed = generator.normal(0, (40, 20), (windows, 2)) @ ways
    noise = generator.normal(10, 4, (windows, values))
    return (mixed + noise).clip(-128, 127).round().astype(np.int8)


def spec(**changes: int) -> SketchSpec:
    settings = {"every": 1, "frame_windows": 64} | changes
    confidences = np.random.default_rng(1).integers(0, 256, 1600)
    return build_sketch(reference(), confidences, **settings)


def test_bins_of_the_reference_are_equally_full() -> None:
    confidences = np.random.default_rng(1).integers(0, 256, 1600)
    counts = count(spec(), reference(), np.arange(1600) % 11, confidences)
    assert np.abs(counts.histograms - 200).max() <= 15
    assert np.abs(counts.confidence - 200).max() <= 15
    assert counts.histograms.sum(axis=1).tolist() == [1600] * 3
    assert counts.classes.sum() == counts.n == 1600
    assert counts.classes[7] == 4 * 145, "classes 7 to 10"
    assert (counts.out_of_range <= 16).all()


def test_projections_are_the_directions_of_most_variance() -> None:
    weights = np.abs(spec().weights.astype(int))
    assert weights[0, :10].min() > 100
    assert weights[0, 10:].max() < 30
    assert weights[1, 10:20].min() > 100
    assert weights.max(axis=1).tolist() == [127, 127]
    features = spec().features(reference())
    explained = 1 - features[:, 2].sum() / ((reference() - spec().center.astype(int)) ** 2).sum()
    assert explained > 0.95


def test_a_value_that_many_windows_share_fills_one_bin() -> None:
    confidences = np.where(np.arange(1600) % 10 < 6, 255, np.arange(1600) % 250)
    made = build_sketch(reference(), confidences, every=1, frame_windows=64)
    counts = np.bincount(made.confidence_bins(confidences), minlength=8)
    assert counts[7] == 960
    assert np.abs(counts[:7] - 640 / 7).max() < 10
    single = build_sketch(reference(), np.full(1600, 9), every=1, frame_windows=64)
    assert set(single.confidence_bins(np.full(5, 9))) == {7}
    assert set(single.confidence_bins(np.full(5, 8))) == {0}


def test_a_constant_reference_still_counts() -> None:
    flat = np.full((50, 6), 3, np.int8)
    made = build_sketch(flat, np.full(50, 200), every=1, frame_windows=16)
    assert made.norms.min() > 0
    assert count(made, flat, np.zeros(50, int), np.full(50, 200)).out_of_range.tolist() == [0] * 3
    assert made.out_of_range(made.features(flat + np.int8(1))).any()


def test_inputs_may_have_any_shape() -> None:
    x = reference()
    shaped = x.reshape(-1, 10, 2, 2)
    assert np.array_equal(spec().features(x), spec().features(shaped))
    assert spec().features(x[:0]).shape == (0, 3)


def test_json_and_tag_name_the_same_sketch() -> None:
    again = SketchSpec.from_dict(json.loads(json.dumps(spec().to_dict())))
    assert again.to_dict() == spec().to_dict()
    assert np.array_equal(again.features(reference()), spec().features(reference()))
    tag = spec().reference_tag("ab" * 32)
    assert again.reference_tag("ab" * 32) == tag
    assert len(tag) == 12
    assert spec(every=2).reference_tag("ab" * 32) != tag
    assert spec().reference_tag("cd" * 32) != tag


def test_a_frame_says_what_it_is_of() -> None:
    x = reference()[:70]
    counts = count(spec(), x, np.zeros(70, int), np.zeros(70, int))
    frame = frame_of(counts, "c5" * 32, "0123456789ab", 65536 + 64)
    assert (frame.model, frame.reference, frame.window) == (0xC5, tag_byte("0123456789ab"), 64)
    assert (frame.n, frame.flags, frame.classes[0], frame.confidence[0]) == (70, 0, 70, 70)


@pytest.mark.parametrize(
    ("windows", "values", "confidences", "changes", "reason"),
    [
        (7, 40, 7, {}, "7 windows of 40 values and 7 confidences"),
        (20, 1, 20, {}, "20 windows of 1 values and 20 confidences"),
        (20, 40, 19, {}, "20 windows of 40 values and 19 confidences"),
        (20, 40, 20, {"every": 0}, "every 0 windows, 64 a frame"),
        (20, 40, 20, {"frame_windows": 0}, "every 1 windows, 0 a frame"),
        (20, 40, 20, {"frame_windows": 256}, "every 1 windows, 256 a frame"),
    ],
)
def test_what_cannot_be_counted_is_refused(
    windows: int, values: int, confidences: int, changes: dict[str, int], reason: str
) -> None:
    settings = {"every": 1, "frame_windows": 64} | changes
    with pytest.raises(SketchError, match=reason):
        build_sketch(reference(windows, 40)[:, :values], np.arange(confidences), **settings)
