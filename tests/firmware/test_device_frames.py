"""Frames of counts over the link, from an emulated device that reads its sensor."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tests.support.chip import HOP, WINDOW, booted, request, sketch, tiny_image
from tinyops.boards.link import Link
from tinyops.boards.virtual.sensor import VirtualSensor
from tinyops.conversion.images.image import build_image
from tinyops.conversion.images.parameters import confidences_q8, exponent_table
from tinyops.conversion.tflite.reference import Reference
from tinyops.emulation import Machine
from tinyops.frontend import cut_windows
from tinyops.sketches.frames import FIRST, SketchFrame
from tinyops.sketches.sketch import count, frame_of

FRAME = sketch().frame_windows * sketch().every


class Noise:
    """A source without end."""

    def __init__(self, windows: int) -> None:
        generator = np.random.default_rng(windows)
        self.samples = generator.integers(-150, 150, (WINDOW + (windows - 1) * HOP, 1))
        self.samples = self.samples.astype(np.int16)
        self.at = 0

    def read(self, frames: int) -> np.ndarray | None:
        if self.at + frames > len(self.samples):
            return None
        self.at += frames
        return self.samples[self.at - frames : self.at]


def expected(source: Noise) -> list[SketchFrame]:
    built = tiny_image()
    inputs = request().frontend.run(cut_windows(source.samples, WINDOW, HOP))[:: sketch().every]
    logits = Reference(built.canonical).run(inputs)
    confidences = confidences_q8(logits, exponent_table(built.model.output_scale))
    header = built.image.header
    made = []
    for start in range(0, len(inputs), sketch().frame_windows):
        part = slice(start, start + sketch().frame_windows)
        counts = count(sketch(), inputs[part], logits[part].argmax(axis=1), confidences[part])
        flags = 0 if start else FIRST
        made.append(frame_of(counts, header.model_sha256, header.reference_tag, start, flags))
    return made


def sense(machine: Machine, link: Link, source: Noise, windows: int) -> None:
    sensor = VirtualSensor(source, 1.0, math.inf)
    while link.decision(10).windows < windows:
        machine.uart1.settimeout(0.05)
        try:
            sensor.feed(machine.uart1.recv(64))
        except TimeoutError:
            continue
        machine.uart1.sendall(sensor.answer(machine.shared_ram))


def test_a_device_counts_what_python_counts() -> None:
    windows = 2 * FRAME + 9
    source = Noise(windows)
    with booted(tiny_image().image) as (machine, link, _):
        assert link.frame() is None
        sense(machine, link, source, windows)
        partial = link.frame(partial=True)
        first = link.frame()
        assert link.frame() == first
        second = link.frame(acknowledged=0)
        assert link.frame(acknowledged=sketch().frame_windows) is None
        assert link.frame(partial=True) == partial
    assert [SketchFrame.unpack(each or b"") for each in (first, second, partial)] == expected(
        source
    )


@pytest.mark.parametrize("sampling", [True, False])
def test_an_image_without_a_sketch_has_no_frames(sampling: bool, tmp_path: Path) -> None:
    built = build_image(request(sketch=None, sampling=sampling), tmp_path)
    assert "sketch_count" not in (tmp_path / "firmware.map").read_text()
    with booted(built.image) as (machine, link, _):
        if sampling:
            sense(machine, link, Noise(3), 3)
        assert link.frame() is None
        assert link.frame(acknowledged=0, partial=True) is None
