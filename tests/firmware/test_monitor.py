"""What the firmware counts, built for this machine: golden frames, the ring, edge cases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.firmware.host_monitor import HostMonitor
from tests.support.firmware.make_sketch_golden import SHA256, TAG, frames, read
from tinyops.sketches.frames import FIRST, LOST, SketchFrame
from tinyops.sketches.sketch import SketchSpec, build_sketch

GOLDEN = read()
RING = 8


def tiny_spec(frame_windows: int = 16) -> SketchSpec:
    inputs = np.random.default_rng(1).integers(-128, 128, (64, 4)).astype(np.int8)
    return build_sketch(inputs, np.arange(64), every=1, frame_windows=frame_windows)


def device(spec: SketchSpec, folder: Path) -> HostMonitor:
    return HostMonitor(spec, SHA256, TAG, folder)


def fill(monitor: HostMonitor, frames: int, windows: int = 16) -> None:
    for _ in range(frames * windows):
        monitor.add(np.zeros(4, np.int8), 0, 0)


def read_all(monitor: HostMonitor) -> list[SketchFrame]:
    found: list[SketchFrame] = []
    while (data := monitor.frame(found[-1].window if found else None)) is not None:
        found.append(SketchFrame.unpack(data))
    return found


@pytest.mark.parametrize("name", GOLDEN)
def test_the_firmware_makes_the_golden_frames(name: str, tmp_path: Path) -> None:
    (spec, inputs, classes, confidences), golden = GOLDEN[name]
    monitor = device(spec, tmp_path)
    for x, decided, confidence in zip(inputs, classes, confidences, strict=True):
        monitor.add(x, int(decided), int(confidence))
    found = [frame.pack() for frame in read_all(monitor)]
    running = monitor.frame(partial=True)
    assert found + ([running] if running else []) == golden


@pytest.mark.parametrize("name", GOLDEN)
def test_python_makes_the_golden_frames(name: str) -> None:
    case, golden = GOLDEN[name]
    assert frames(case) == golden


def test_the_golden_frames_reach_the_ends() -> None:
    found = {
        name: [SketchFrame.unpack(data) for data in made] for name, (_, made) in GOLDEN.items()
    }
    full = found["255 times the same"][0]
    assert full.classes == (0, 0, 0, 0, 0, 0, 0, 255)
    assert full.confidence[-1] == 255
    assert max(full.histograms[0]) == 255
    edge = found["on the edges"][0]
    assert min(min(row) for row in edge.histograms) > 0
    assert min(edge.out_of_range) > 0
    (spec, inputs, *_), _ = GOLDEN["on the edges"]
    features = spec.features(inputs)
    for value in (*spec.edges.T, spec.low, spec.high):
        assert (features == value).any(axis=0).all()
    (spec, inputs, *_), _ = GOLDEN["projections that overlap"]
    assert (spec.features(inputs)[:, 2] == 0).any(), "a negative rest is clamped"


def test_features_are_those_of_python(tmp_path: Path) -> None:
    generator = np.random.default_rng(3)
    for number, size in enumerate((2, 33, 768)):
        inputs = generator.integers(-128, 128, (40, size)).astype(np.int8)
        inputs[0], inputs[1] = -128, 127
        spec = build_sketch(inputs, np.zeros(40, int), every=1, frame_windows=16)
        for center, weight in ((spec.center[0], None), (127, -127), (-128, 127), (127, 1)):
            changes = {} if weight is None else {"weights": np.full((2, size), weight, np.int8)}
            one = replace(spec, center=np.full(size, center, np.int8), **changes)
            folder = tmp_path / f"{number} {center} {weight}"
            folder.mkdir()
            found = device(one, folder).features(inputs)
            assert np.array_equal(found, one.features(inputs))


def test_the_widest_input_does_not_overflow(tmp_path: Path) -> None:
    ends = np.array([[-128], [127]], np.int8).repeat(65535, axis=1)
    weights = np.full((2, 65535), -127, np.int8)
    wide = replace(tiny_spec(), center=ends[1], weights=weights)
    weights[1] = 0
    weights[1, 0] = 1
    features = device(wide, tmp_path).features(ends)
    assert np.array_equal(features, wide.features(ends))
    assert features[0, 0] == 65535 * 255 * 127
    folder = tmp_path / "unexplained"
    folder.mkdir()
    rest = device(replace(wide, weights=weights[[1, 1]]), folder).features(ends)
    assert rest[:, 2].tolist() == [2**31 - 1, 0]


def test_only_the_first_frame_since_boot_says_so(tmp_path: Path) -> None:
    monitor = device(tiny_spec(), tmp_path)
    assert monitor.frame() is None
    assert monitor.frame(partial=True) is None
    fill(monitor, 3)
    assert [(each.flags, each.window, each.n) for each in read_all(monitor)] == [
        (FIRST, 0, 16),
        (0, 16, 16),
        (0, 32, 16),
    ]
    assert monitor.frame(partial=True) is None


def test_a_frame_stays_until_it_is_acknowledged(tmp_path: Path) -> None:
    monitor = device(tiny_spec(), tmp_path)
    fill(monitor, 3)
    first = monitor.frame()
    assert monitor.frame() == monitor.frame(acknowledged=7) == first
    assert SketchFrame.unpack(monitor.frame(acknowledged=16) or b"").window == 32
    assert SketchFrame.unpack(monitor.frame(acknowledged=16) or b"").window == 32
    assert monitor.frame(acknowledged=32) is None


def test_the_running_frame_can_be_seen_and_goes_on(tmp_path: Path) -> None:
    monitor = device(tiny_spec(), tmp_path)
    fill(monitor, 1, 15)
    for _ in range(2):
        assert SketchFrame.unpack(monitor.frame(partial=True) or b"").n == 15
    assert monitor.frame() is None
    fill(monitor, 1, 1)
    assert SketchFrame.unpack(monitor.frame() or b"").n == 16


@pytest.mark.parametrize("dropped", [0, 1, 20])
def test_a_full_ring_drops_the_oldest_and_says_so(dropped: int, tmp_path: Path) -> None:
    monitor = device(tiny_spec(), tmp_path)
    fill(monitor, RING + dropped)
    found = read_all(monitor)
    assert [each.window for each in found] == [16 * (dropped + age) for age in range(RING)]
    assert [each.flags for each in found] == [LOST if dropped else FIRST] + [0] * (RING - 1)


def test_the_window_counter_wraps(tmp_path: Path) -> None:
    monitor = device(tiny_spec(255), tmp_path)
    found: list[SketchFrame] = []
    for _ in range(33):
        fill(monitor, RING, 255)
        found += read_all(monitor)
    windows = [each.window for each in found]
    assert windows[256:259] == [65280, 65535, 254]
    assert windows == [255 * number % 65536 for number in range(len(found))]
    assert [each.flags for each in found] == [FIRST] + [0] * (len(found) - 1)


def test_nothing_is_counted_without_a_block_or_a_frame_size(tmp_path: Path) -> None:
    monitor = device(replace(tiny_spec(), frame_windows=0), tmp_path)
    fill(monitor, 2)
    monitor.add_without_block(np.zeros(4, np.int8))
    assert monitor.frame(partial=True) is None
