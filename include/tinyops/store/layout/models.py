"""Models of a project: candidates, releases and what models say of a dataset version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinyops.store.layout.keys import between, file_name, part

CANDIDATE_MANIFEST = "candidate.json"
"""In a candidate's folder: its manifest. Written last: the candidate is complete."""

MODEL = "model.tflite"
"""In a candidate's folder: the int8 model."""

METRICS = "metrics.json"
"""In a candidate's folder: evaluations of the float and the int8 model."""

CARD = "card.md"
"""In a candidate's folder: the model card."""

GOLDEN = "golden.npz"
"""In a candidate's folder: windows of the device's self-test, of the test part."""

PROOF_INPUTS = "proof_inputs.npz"
"""In a candidate's folder: features of windows that a proof compares, of the test part."""

REFERENCE_WINDOWS = "reference.npz"
"""In a candidate's folder: labelled windows that a release's reference is made of."""

BUILT_FROM = (MODEL, GOLDEN, PROOF_INPUTS, REFERENCE_WINDOWS)
"""In a candidate's folder: the files that a release is built from."""

FILES = "files"
"""In a candidate's manifest: the SHA-256 of each of BUILT_FROM by name."""

SELF_TEST = (GOLDEN, PROOF_INPUTS)
"""In a candidate's folder: windows of the test part, raw and as features."""

SELF_TEST_REMOVED = {"self_test": "removed"}
"""In a candidate's manifest: the files SELF_TEST are gone, with a machine that was forgotten."""

FIT = "fit.json"
"""In a release's folder: what the model takes on each board."""

SKETCH = "sketch.json"
"""In a release's folder: what its devices count of their windows."""

REFERENCE = "reference.json"
"""In a release's folder: what the frames of its devices are compared with."""

REAL_TARGETS = "real-targets.json"
"""In a release's folder: what was built for real boards, or why nothing was."""

BENCHMARK = "benchmark.json"
"""In a release's folder: what serving takes by instructions, beside the champion; repeats."""

HOST_BENCHMARK = "benchmark-host.json"
"""In a release's folder: times of the host that built it; no two runs give the same."""

SUMMARY = "summary.json"
"""In a folder of predictions: what all shards say. Written last: they are complete."""

_IMAGE = "image.bin"


def candidate(project: str, run: str = "") -> str:
    """Folder of one training run's result, or of all."""
    return f"{part(project)}/candidates/{part(run) + '/' if run else ''}"


def candidate_manifest(project: str, run: str) -> str:
    """The manifest of a candidate."""
    return candidate(project, run) + CANDIDATE_MANIFEST


def lost_self_test(manifest: Mapping[str, Any]) -> bool:
    """Return True if a manifest says that SELF_TEST is gone: no image can be built."""
    return SELF_TEST_REMOVED.items() <= manifest.items()


def release(project: str, version: str = "") -> str:
    """Folder of one release's evidence, or of all."""
    return f"{part(project)}/releases/{part(version) + '/' if version else ''}"


def unproven_image_name(target: str) -> str:
    """In a release's folder: an image for a real board. It is not signed: nothing proves it."""
    return f"unproven-{part(target)}.bin"


def image_name(target: str) -> str:
    """In a release's folder: the bytes for one target."""
    return f"{part(target)}/{_IMAGE}"


def image_facts_name(target: str) -> str:
    """In a release's folder: offset, sizes, hash and header of one target's image."""
    return f"{part(target)}/image.json"


def proof_name(target: str) -> str:
    """In a release's folder: the proof of one target's image."""
    return f"proof-{part(target)}.json"


def holds_self_test(key: str) -> bool:
    """Return True if an object of a release is an image, which holds windows for its self-test."""
    name = file_name(key)
    return name == _IMAGE or between("unproven-", name, ".bin") is not None


def release_manifest(project: str, version: str) -> str:
    """Written last: the release is signed and staged."""
    return release(project, version) + "manifest.json"


def predictions_of(project: str, dataset: str = "") -> str:
    """Folder of all predictions, or of those about one dataset version."""
    return f"{part(project)}/predictions/" + (f"{part(dataset)}/" if dataset else "")


def predictions(project: str, dataset: str, model: str) -> str:
    """Folder of what a model says of a dataset version."""
    return f"{part(project)}/predictions/{part(dataset)}/{part(model)}/"


def predictions_shard(project: str, dataset: str, model: str, shard: str) -> str:
    """Predictions for one shard of the dataset version."""
    return predictions(project, dataset, model) + f"{part(shard)}.parquet"


def predictions_summary(project: str, dataset: str, model: str) -> str:
    """Summary of all predictions of a model about a dataset version."""
    return predictions(project, dataset, model) + SUMMARY
