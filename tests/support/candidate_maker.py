"""Candidates as training writes them, of models that nobody had to train."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.support.chip import MODELS, WINDOW, request, windows
from tinyops.conversion.candidates.write import Candidate, write_candidate
from tinyops.conversion.images.bare import inputs_for
from tinyops.frontend import Frontend
from tinyops.projects.coverage import PARTS
from tinyops.store import Store, sha256_hex

TINY = (MODELS / "tiny.tflite").read_bytes()
LABELS = ("normal", "inner_race", "outer_race", "ball")
PROOF_INPUTS = 6
REFERENCE_WINDOWS = 360


def make_candidate(
    project: str,
    run: str,
    dataset: str = "d1",
    labels: Sequence[str] = LABELS,
    *,
    model: bytes = TINY,
    frontend: Frontend | None = None,
    golden: NDArray[np.int16] | None = None,
    golden_labels: NDArray[np.int64] | None = None,
    proof_inputs: NDArray[np.int8] | None = None,
    reference: dict[str, NDArray] | None = None,
    scores: dict[str, Any] | None = None,
    card: str = "# Card\n",
    **manifest: Any,
) -> Candidate:
    """Return a candidate that holds every file and every manifest key of a trained one.

    Parameters
    ----------
    model, frontend
        By default the tiny model and the frontend that passes its counts through.
    golden, golden_labels
        Windows int16 [8, W, C] of the self-test and their labels [8]; random by default.
    proof_inputs, reference
        As in `Candidate`; by default random inputs of the tiny model, the reference of 12 machines,
        four in each part.
    scores
        Content of metrics.json.
    manifest
        Keys of candidate.json to add or to replace.
    """
    frontend = frontend or request().frontend
    golden = windows(8) if golden is None else golden
    if golden_labels is None:
        golden_labels = np.arange(len(golden)) % len(labels)
    content = {
        "project": project,
        "run": run,
        "dataset": dataset,
        "labels": list(labels),
        "model_sha256": sha256_hex(model),
        "frontend": frontend.spec.to_dict(),
        "input_scale": frontend.input_scale,
        "input_zero_point": frontend.input_zero_point,
        "simulated": True,
        "windows": {part: dict.fromkeys(labels, 30) for part in PARTS},
        "status": "first",
        "reason": "no champion yet",
        "metrics": {"macro_f1": 0.9},
        "recipe": {},
    }
    return Candidate(
        manifest=content | manifest,
        model=model,
        metrics={"int8": {"macro_f1": 0.9}} if scores is None else scores,
        card=card,
        golden={"windows": golden, "features": frontend.run(golden), "labels": golden_labels},
        proof_inputs=_inputs(PROOF_INPUTS, 1) if proof_inputs is None else proof_inputs,
        reference=_reference(len(labels)) if reference is None else reference,
    )


def put_candidate(store: Store, project: str, run: str, **changes: Any) -> Candidate:
    """Write a candidate of `make_candidate` into the store and return it."""
    made = make_candidate(project, run, **changes)
    write_candidate(store, made)
    return made


def _inputs(count: int, seed: int) -> NDArray[np.int8]:
    return inputs_for((WINDOW, 1, 1), count, seed)


def _reference(classes: int) -> dict[str, NDArray]:
    numbers = np.arange(REFERENCE_WINDOWS)
    labels = np.random.default_rng(4).integers(0, classes, REFERENCE_WINDOWS)
    return {
        "features": _inputs(REFERENCE_WINDOWS, 5),
        "labels": labels.astype(np.int16),
        "groups": np.array([f"m{number % 12}" for number in numbers]),
        "batches": np.full(REFERENCE_WINDOWS, "b0"),
        "parts": np.array(["train", "validation", "test"])[numbers % 12 // 4],
    }
