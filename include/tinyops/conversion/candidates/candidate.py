"""A candidate as the release stages read it from the store."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from tinyops.conversion.tflite.errors import ConversionError
from tinyops.frontend import Frontend, FrontendSpec
from tinyops.store import Store, layout


@dataclass(frozen=True, eq=False)
class Candidate:
    """What training left in the store; arrays as in golden.npz and proof_inputs.npz."""

    tflite: bytes
    manifest: dict[str, Any]
    golden: NDArray[np.int16]
    proof_inputs: NDArray[np.int8]

    @property
    def frontend(self) -> Frontend:
        """The frontend that the model was trained on."""
        return Frontend(FrontendSpec.from_dict(self.manifest["frontend"]))

    @property
    def temperature(self) -> float:
        """Divides the logits before the softmax."""
        return float(self.manifest.get("temperature", 1.0))


@dataclass(frozen=True, eq=False)
class ReferenceWindows:
    """reference.npz: n labelled windows of all parts, without overlap.

    Parameters
    ----------
    features
        int8 [n, ...], the model's inputs.
    labels
        int16 [n].
    groups, batches, parts
        Texts [n]: machine or person, the batch it came in, and train, validation or test.
    """

    features: NDArray[np.int8]
    labels: NDArray[np.int16]
    groups: NDArray[np.str_]
    batches: NDArray[np.str_]
    parts: NDArray[np.str_]


def read_candidate(store: Store, project: str, candidate: str) -> Candidate:
    """The candidate's files.

    Raises
    ------
    ConversionError
        golden.npz or proof_inputs.npz is not what training writes, or was removed.
    ObjectMissing
        No such candidate.
    """
    folder = layout.candidate(project, candidate)
    manifest = store.get_json(layout.candidate_manifest(project, candidate))
    if layout.lost_self_test(manifest):
        raise ConversionError(
            f"candidate {candidate} of {project} has no self-test windows any more: they were of a "
            "machine that was forgotten",
            "train on the current dataset version",
        )
    (golden,) = _arrays(store, folder + layout.GOLDEN, "windows")
    (inputs,) = _arrays(store, folder + layout.PROOF_INPUTS, "features")
    return Candidate(
        tflite=store.get(folder + layout.MODEL),
        manifest=manifest,
        golden=golden.astype(np.int16, copy=False),
        proof_inputs=inputs.astype(np.int8, copy=False),
    )


def read_reference_windows(store: Store, project: str, candidate: str) -> ReferenceWindows:
    """The candidate's reference.npz; errors as in `read_candidate`."""
    key = layout.candidate(project, candidate) + layout.REFERENCE_WINDOWS
    names = ("features", "labels", "groups", "batches", "parts")
    return ReferenceWindows(*_arrays(store, key, *names))


def _arrays(store: Store, key: str, *names: str) -> list[NDArray[Any]]:
    name = ""
    try:
        with np.load(io.BytesIO(store.get(key)), allow_pickle=False) as content:
            found = []
            for name in names:
                found.append(np.asarray(content[name]))
            return found
    except (ValueError, KeyError, OSError, BadZipFile) as error:
        raise ConversionError(
            f"{store.uri(key)}: no readable array {name or names[0]!r}: {error}",
            "train the candidate again",
        ) from None
