"""What goes into a sketch: a candidate of the store, or a bare model with its project."""

from __future__ import annotations

import hashlib

import numpy as np

from tinyops.boards.board import Board
from tinyops.conversion.candidates.candidate import read_candidate, read_reference_windows
from tinyops.conversion.candidates.sketching import sketch_and_reference
from tinyops.conversion.images.build_request import BuildRequest
from tinyops.conversion.tflite.errors import ConversionError
from tinyops.frontend import from_project
from tinyops.projects import Project
from tinyops.store import Pointer, Store, layout

_GOLDEN = 4


def newest_version(store: Store, project: str) -> str:
    """The released version, else the newest candidate; ConversionError when there is neither."""
    for name in (Pointer.RELEASE, Pointer.CANDIDATE):
        content = store.get_json_or(layout.pointer(project, name), None)
        if content:
            return str(content["version"])
    raise ConversionError(
        f"{project} has neither a release nor a candidate",
        "train it, name --candidate, or give a model with --model",
    )


def candidate_request(
    store: Store, project: Project, candidate: str, board: Board, target: str
) -> BuildRequest:
    """As the release builds it: with the sketch and the reference tag of its reference windows.

    Raises
    ------
    ObjectMissing, ConversionError, SketchError, ReferenceError
        No such candidate, or one of its files is refused.
    """
    found = read_candidate(store, project.name, candidate)
    windows = read_reference_windows(store, project.name, candidate)
    sketch, reference = sketch_and_reference(project, found, windows)
    return BuildRequest(
        tflite=found.tflite,
        board=board,
        target=target,
        frontend=found.frontend,
        golden=found.golden,
        project=project.name,
        version=candidate,
        reference_tag=reference.tag,
        temperature=found.temperature,
        sketch=sketch,
    )


def model_request(tflite: bytes, project: Project, board: Board, target: str) -> BuildRequest:
    """A model without a candidate: golden windows of noise, and nothing is counted.

    Counting needs reference windows, which a bare model has not.
    """
    frontend = from_project(project.frontend, project.signal)
    spec = frontend.spec
    shape = (_GOLDEN, spec.window, spec.channels)
    golden = np.random.default_rng(1).integers(-8192, 8192, shape).astype(np.int16)
    return BuildRequest(
        tflite=tflite,
        board=board,
        target=target,
        frontend=frontend,
        golden=golden,
        project=project.name,
        version=f"model-{hashlib.sha256(tflite).hexdigest()[:12]}",
    )
