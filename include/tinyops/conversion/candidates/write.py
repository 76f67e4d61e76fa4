"""A candidate: one training run's result, as a folder in S3 that never changes.

Its manifest is sealed and names the SHA-256 of each file that a release is built from, so a release
holds what was trained.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyops.releases.keys import signing_keys
from tinyops.releases.seal import Seal
from tinyops.store import Store, layout, sha256_hex


@dataclass(frozen=True, eq=False)
class Candidate:
    """What the folder holds.

    Parameters
    ----------
    manifest
        candidate.json: project, run, dataset, labels, model sha256, frontend spec, figures.
    metrics
        metrics.json: float and int8 evaluations.
    golden
        windows int16 [8, W, C], features int8 and labels of the device's self-test.
    proof_inputs
        int8 [<= 64, H, W, C] from the test part.
    reference
        As `reference_windows` gives it.
    """

    manifest: dict[str, Any]
    model: bytes
    metrics: dict[str, Any]
    card: str
    golden: dict[str, NDArray]
    proof_inputs: NDArray[np.int8]
    reference: dict[str, NDArray]

    def files(self) -> dict[str, bytes]:
        """All files but the manifest, by name."""
        return {
            layout.MODEL: self.model,
            layout.METRICS: json.dumps(self.metrics, indent=2, sort_keys=True).encode() + b"\n",
            layout.CARD: self.card.encode(),
            layout.GOLDEN: _npz(self.golden),
            layout.PROOF_INPUTS: _npz({"features": self.proof_inputs}),
            layout.REFERENCE_WINDOWS: _npz(self.reference),
        }


def write_candidate(store: Store, candidate: Candidate, seal: Seal | None = None) -> str:
    """Write the folder, candidate.json last; writing it twice is harmless. Returns its URI.

    Parameters
    ----------
    seal
        By default that of `signing_keys`, whose SigningKeyError is raised before anything is
        written.
    """
    seal = seal or signing_keys().seal()
    project, run = candidate.manifest["project"], candidate.manifest["run"]
    folder = layout.candidate(project, run)
    files = candidate.files()
    for name, data in files.items():
        store.put(folder + name, data)
    hashes = {name: sha256_hex(files[name]) for name in layout.BUILT_FROM}
    manifest = candidate.manifest | {layout.FILES: hashes}
    seal.put_json(store, layout.candidate_manifest(project, run), manifest)
    return store.uri(folder)


def _npz(arrays: dict[str, NDArray]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()
