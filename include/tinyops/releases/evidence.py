"""What the release stages wrote about a version: its images, and a proof of each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tinyops.boards.image import ImageError, ImageHeader, load_image
from tinyops.releases.errors import ReleaseError
from tinyops.store import ObjectMissing, Store, layout, sha256_hex


@dataclass(frozen=True)
class ProvedImage:
    """An image that may be signed: its bytes are the ones that were proved."""

    target: str
    offset: int
    role: str
    content: bytes
    header: ImageHeader


@dataclass(frozen=True)
class Evidence:
    """A version's images, and every file that speaks for it with its SHA-256."""

    candidate: str
    images: list[ProvedImage]
    digests: dict[str, str]


def read_evidence(store: Store, project: str, version: str) -> Evidence:
    """Read and check what is to be signed.

    Raises
    ------
    ReleaseError
        A file is missing, an image is not the proved one, or a proof has mismatches.
    """
    folder = layout.release(project, version)
    targets = store.folders(folder)
    if not targets:
        raise ReleaseError(f"{store.uri(folder)} holds no image", "compile the candidate first")
    digests: dict[str, str] = {}
    fit = _json(store, folder, layout.FIT, digests)
    _json(store, folder, layout.BENCHMARK, digests)
    images = [_image(store, folder, target, digests) for target in targets]
    for image in images:
        if (image.header.project, image.header.version) != (project, version):
            raise ReleaseError(
                f"{folder}{layout.image_name(image.target)} is {image.header.project} "
                f"{image.header.version}, not {project} {version}",
                "compile the candidate again",
            )
    return Evidence(str(fit.get("candidate", "")), images, digests)


def _image(store: Store, folder: str, target: str, digests: dict[str, str]) -> ProvedImage:
    about = _json(store, folder, layout.image_facts_name(target), digests)
    proof = _json(store, folder, layout.proof_name(target), digests)
    content = _bytes(store, folder, layout.image_name(target))
    sha256, where = sha256_hex(content), folder + layout.image_name(target)
    named = {
        layout.image_facts_name(target): about["sha256"],
        layout.proof_name(target): proof["image_sha256"],
    }
    for name, proved in named.items():
        if proved != sha256:
            raise ReleaseError(
                f"{folder}{name} is about another image than {layout.image_name(target)}",
                "compile and prove the candidate again",
            )
    if proof["mismatches"] != 0 or proof["windows"] < 1:
        raise ReleaseError(
            f"{folder}{layout.proof_name(target)}: {proof['mismatches']} of {proof['windows']} "
            "windows differ from the reference",
            "do not release this model; find out why the chip computes something else",
        )
    try:
        header = load_image(content, about["offset"]).header
    except ImageError as error:
        raise ReleaseError(f"{where}: {error.message}", error.fix) from None
    if header.target != target:
        raise ReleaseError(f"{where} is for target {header.target}", "compile it again")
    return ProvedImage(target, about["offset"], about["role"], content, header)


def _json(store: Store, folder: str, name: str, digests: dict[str, str]) -> dict[str, Any]:
    data = _bytes(store, folder, name)
    digests[name] = sha256_hex(data)
    try:
        content: dict[str, Any] = json.loads(data)
    except ValueError as error:
        raise ReleaseError(f"{folder}{name} is not JSON: {error}", "run its stage again") from None
    return content


def _bytes(store: Store, folder: str, name: str) -> bytes:
    try:
        return store.get(folder + name)
    except ObjectMissing:
        raise ReleaseError(
            f"{store.uri(folder + name)} is missing", "run fit, compile, prove and benchmark first"
        ) from None
