"""What a release's devices count, and the reference that their counts are compared with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinyops.conversion.candidates.candidate import Candidate, ReferenceWindows
from tinyops.conversion.candidates.sensing import Sensed, golden_samples
from tinyops.conversion.images.parameters import confidences_q8, exponent_table
from tinyops.conversion.tflite.canonical import canonical
from tinyops.conversion.tflite.reference import Reference as Model
from tinyops.frontend import cut_windows
from tinyops.projects import Project
from tinyops.sketches.conditions import units_of
from tinyops.sketches.frames import FIRST
from tinyops.sketches.reference import Reference, build_reference
from tinyops.sketches.sketch import SketchSpec, build_sketch, count, frame_of
from tinyops.store import sha256_hex


def sketch_and_reference(
    project: Project, found: Candidate, windows: ReferenceWindows
) -> tuple[SketchSpec, Reference]:
    """Run the model over the reference windows as the device does, and count.

    Raises
    ------
    SketchError, ReferenceError
        The windows are too few or too uniform.
    ConversionError
        TFLM refuses the model.
    """
    model = Model(canonical(found.tflite))
    logits, confidences = decide(model, windows.features, found.temperature)
    monitoring = project.monitoring
    sketch = build_sketch(
        windows.features,
        confidences,
        every=monitoring.every,
        frame_windows=monitoring.frame_windows,
        units=units_of(monitoring.population, windows.groups),
    )
    reference = build_reference(
        sketch,
        windows.features,
        windows.labels,
        windows.groups,
        windows.batches,
        windows.parts,
        logits,
        confidences,
        monitoring,
        project.labels,
        sha256_hex(found.tflite),
    )
    return sketch, reference


def decide(
    model: Model, inputs: NDArray[np.int8], temperature: float
) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """(logits int8 [n, classes], confidences in 1/256 [n]) of a device for inputs [n, ...]."""
    logits = model.run(inputs)
    return logits, confidences_q8(logits, exponent_table(model.output_scale, temperature))


def sensed_golden(found: Candidate, sketch: SketchSpec) -> Sensed:
    """The golden windows for the sensor, and the frame that a device must make of them."""
    frontend, model = found.frontend, Model(canonical(found.tflite))
    spec = frontend.spec
    samples, windows = golden_samples(found.golden, spec.hop, sketch.every, sketch.frame_windows)
    inputs = frontend.run(cut_windows(samples, spec.window, spec.hop)[:: sketch.every])
    logits, confidences = decide(model, inputs, found.temperature)
    counts = count(sketch, inputs, logits.argmax(axis=1), confidences)
    sha256 = sha256_hex(found.tflite)
    frame = frame_of(counts, sha256, sketch.reference_tag(sha256), window=0, flags=FIRST)
    return Sensed(samples, windows, frame.pack())
