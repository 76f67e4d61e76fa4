"""Write data/sketch_golden.json: windows and the frames that every implementation makes of them.

Run it only when the sketch changes on purpose; firmware in the field then counts otherwise.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.support.checkout import ROOT
from tinyops.sketches.frames import FIRST
from tinyops.sketches.sketch import SketchSpec, build_sketch, count, frame_of

PATH = ROOT / "tests" / "firmware" / "data" / "sketch_golden.json"
SHA256 = "c5" + 62 * "0"
TAG = "0123456789ab"

Case = tuple[SketchSpec, NDArray[np.int8], NDArray[np.int64], NDArray[np.int64]]


def frames(case: Case) -> list[bytes]:
    """What a device has counted of the windows since boot, the frame that is not full included."""
    spec, inputs, classes, confidences = case
    made = []
    for start in range(0, len(inputs), spec.every * spec.frame_windows):
        taken = slice(start, start + spec.every * spec.frame_windows, spec.every)
        counts = count(spec, inputs[taken], classes[taken], confidences[taken])
        flags = 0 if start else FIRST
        made.append(frame_of(counts, SHA256, TAG, start // spec.every, flags).pack())
    return made


def hand_made(weights: list[list[int]], inputs: NDArray[np.int8]) -> SketchSpec:
    """A sketch whose edges and ends of range are features of these very inputs."""
    spec = SketchSpec(
        center=np.array([3, -128, 127, 0, -1], np.int8),
        weights=np.array(weights, np.int8),
        edges=np.zeros((3, 7), np.int32),
        low=np.zeros(3, np.int32),
        high=np.zeros(3, np.int32),
        confidence_edges=np.array([1, 2, 2, 100, 200, 254, 255], np.uint8),
        every=1,
        frame_windows=255,
    )
    values = np.sort(spec.features(inputs), axis=0)
    edges = values[np.linspace(0, len(values) - 1, 9).astype(int)[1:-1]].T
    return replace(spec, edges=edges, low=values[20], high=values[-20])


def cases() -> Iterator[tuple[str, Case]]:
    """All cases, by name."""
    generator = np.random.default_rng(20)
    ends = np.array(list(product((-128, 0, 127), repeat=5)), np.int8)
    known = (np.arange(len(ends)), np.arange(len(ends)) % 256)
    apart = hand_made([[127, -3, 5, 0, 1], [1, 127, -127, 9, 0]], ends)
    yield "on the edges", (apart, ends, *known)
    same = hand_made([[1, 2, 3, 4, 127], [1, 2, 3, 4, 127]], ends)
    yield "projections that overlap", (same, ends, *known)
    alike = np.repeat(ends[:1], 255, axis=0)
    yield "255 times the same", (same, alike, np.full(255, 200), np.full(255, 255))
    inputs = generator.normal(0, 40, (700, 24)).clip(-128, 127).astype(np.int8)
    classes = generator.integers(0, 12, len(inputs))
    confidences = generator.integers(60, 256, len(inputs))
    random = build_sketch(inputs, confidences, every=3, frame_windows=64)
    yield "every third window", (random, inputs, classes, confidences)
    moved = (inputs[:500] // 2 + 30).astype(np.int8)
    case = (replace(random, every=1), moved, classes[:500], confidences[:500] // 2)
    yield "a moved input", case


def read() -> dict[str, tuple[Case, list[bytes]]]:
    """The cases of the file with the frames it has for them."""
    return {
        name: (
            (
                SketchSpec.from_dict(case["sketch"]),
                _array(case["inputs"]).view(np.int8).reshape(len(case["classes"]), -1),
                np.array(case["classes"]),
                np.array(case["confidences"]),
            ),
            [bytes.fromhex(frame) for frame in case["frames"]],
        )
        for name, case in json.loads(PATH.read_text()).items()
    }


def _array(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(base64.b64decode(text), np.uint8)


def _content(case: Case) -> dict[str, Any]:
    spec, inputs, classes, confidences = case
    return {
        "sketch": spec.to_dict(),
        "inputs": base64.b64encode(inputs.tobytes()).decode(),
        "classes": classes.tolist(),
        "confidences": confidences.tolist(),
        "frames": [frame.hex() for frame in frames(case)],
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps({name: _content(case) for name, case in cases()}) + "\n")
