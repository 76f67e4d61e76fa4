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
from tinyops.releases.errors import SealBroken
from tinyops.releases.seal import Seal
from tinyops.store import Store, layout, sha256_hex


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


def read_candidate(
    store: Store, project: str, candidate: str, seal: Seal | None = None
) -> Candidate:
    """The candidate's files.

    Parameters
    ----------
    seal
        For a release: the manifest must carry it, and every file be the one it names.

    Raises
    ------
    ConversionError
        golden.npz or proof_inputs.npz is not what training writes, or was removed.
    SealBroken
        The candidate was not written by this pipeline, or was changed since.
    ObjectMissing
        No such candidate.
    """
    files = CandidateFiles(store, project, candidate, seal)
    if layout.lost_self_test(files.manifest):
        raise ConversionError(
            f"candidate {candidate} of {project} has no self-test windows any more: they were of a "
            "machine that was forgotten",
            "train on the current dataset version",
        )
    (golden,) = _arrays(files, layout.GOLDEN, "windows")
    (inputs,) = _arrays(files, layout.PROOF_INPUTS, "features")
    return Candidate(
        tflite=files.read(layout.MODEL),
        manifest=files.manifest,
        golden=golden.astype(np.int16, copy=False),
        proof_inputs=inputs.astype(np.int8, copy=False),
    )


def read_reference_windows(
    store: Store, project: str, candidate: str, seal: Seal | None = None
) -> ReferenceWindows:
    """The candidate's reference.npz; errors as in `read_candidate`."""
    files = CandidateFiles(store, project, candidate, seal)
    names = ("features", "labels", "groups", "batches", "parts")
    return ReferenceWindows(*_arrays(files, layout.REFERENCE_WINDOWS, *names))


class CandidateFiles:
    """The manifest of a candidate, and its other files by name; errors as of `read_candidate`."""

    def __init__(
        self, store: Store, project: str, candidate: str, seal: Seal | None = None
    ) -> None:
        key = layout.candidate_manifest(project, candidate)
        self._store, self._sealed = store, seal is not None
        self._folder = layout.candidate(project, candidate)
        self.manifest: dict[str, Any] = seal.get_json(store, key) if seal else store.get_json(key)

    def read(self, name: str) -> bytes:
        """The bytes of a file; of a sealed candidate those that its manifest names."""
        data = self._store.get(self._folder + name)
        if self._sealed and self.manifest.get(layout.FILES, {}).get(name) != sha256_hex(data):
            raise SealBroken(
                f"{self.uri(name)} is not the file that the candidate's manifest names",
                "train the candidate again, and find out who wrote to the bucket",
            )
        return data

    def uri(self, name: str) -> str:
        """`s3://…` of a file."""
        return self._store.uri(self._folder + name)


def _arrays(files: CandidateFiles, file: str, *names: str) -> list[NDArray[Any]]:
    name = ""
    try:
        with np.load(io.BytesIO(files.read(file)), allow_pickle=False) as content:
            found = []
            for name in names:
                found.append(np.asarray(content[name]))
            return found
    except (ValueError, KeyError, OSError, BadZipFile) as error:
        raise ConversionError(
            f"{files.uri(file)}: no readable array {name or names[0]!r}: {error}",
            "train the candidate again",
        ) from None
