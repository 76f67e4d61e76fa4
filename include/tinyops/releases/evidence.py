"""What the release stages wrote about a version: its images, and a proof of each.

Everything read here lies in a bucket that others may write. Nothing is taken from it that the
stages have not sealed, or whose SHA-256 a sealed object does not name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tinyops.boards.image import ImageError, ImageHeader, load_image
from tinyops.releases.errors import ReleaseError
from tinyops.releases.seal import Seal
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
    """A version's images, and every file that speaks for it with its SHA-256.

    `dataset` is the version that its model was trained on, `candidate` the training run.
    """

    candidate: str
    dataset: str
    images: list[ProvedImage]
    digests: dict[str, str]


def read_evidence(store: Store, seal: Seal, project: str, version: str) -> Evidence:
    """Read and check what is to be signed.

    Raises
    ------
    ReleaseError
        A file is missing or not sealed (SealBroken), a stage has refused the version, an image is
        not the proved one, or a proof has mismatches or is of another model.
    """
    evidence = _Files(store, seal, layout.release(project, version))
    targets = store.folders(evidence.folder)
    if not targets:
        raise ReleaseError(
            f"{store.uri(evidence.folder)} holds no image", "compile the candidate first"
        )
    fit, benchmark = evidence.sealed(layout.FIT), evidence.sealed(layout.BENCHMARK)
    _require_passed(evidence, fit, benchmark, targets)
    images = [_image(evidence, target, fit["model_sha256"]) for target in targets]
    for image in images:
        if (image.header.project, image.header.version) != (project, version):
            raise ReleaseError(
                f"{evidence.folder}{layout.image_name(image.target)} is {image.header.project} "
                f"{image.header.version}, not {project} {version}",
                "compile the candidate again",
            )
    return Evidence(str(fit["candidate"]), str(fit["dataset"]), images, evidence.digests)


def _require_passed(
    evidence: _Files, fit: dict[str, Any], benchmark: dict[str, Any], targets: list[str]
) -> None:
    """Refuse a version that a stage has refused, or whose images are not those that passed."""
    for name, content in ((layout.FIT, fit), (layout.BENCHMARK, benchmark)):
        if content["passed"] is not True:
            raise ReleaseError(
                f"{evidence.folder}{name}: the candidate did not pass",
                "train another candidate, or change what project.yaml allows and repeat the stage",
            )
    if set(benchmark["targets"]) != set(targets):
        raise ReleaseError(
            f"{evidence.folder} holds images for {', '.join(sorted(targets))}, expected "
            f"{', '.join(sorted(benchmark['targets']))}",
            "compile and prove the candidate again",
        )


class _Files:
    """The files of a release's folder as they are read, each with its SHA-256."""

    def __init__(self, store: Store, seal: Seal, folder: str) -> None:
        self.store, self.seal, self.folder = store, seal, folder
        self.digests: dict[str, str] = {}

    def sealed(self, name: str) -> dict[str, Any]:
        """The content of a sealed JSON file."""
        data = self.bytes(name)
        self.digests[name] = sha256_hex(data)
        return self.seal.opened(self.store, self.folder + name, data)

    def bytes(self, name: str) -> bytes:
        """The bytes of a file."""
        try:
            return self.store.get(self.folder + name)
        except ObjectMissing:
            raise ReleaseError(
                f"{self.store.uri(self.folder + name)} is missing",
                "run fit, compile, prove and benchmark first",
            ) from None


def _image(evidence: _Files, target: str, model_sha256: str) -> ProvedImage:
    about = evidence.sealed(layout.image_facts_name(target))
    proof = evidence.sealed(layout.proof_name(target))
    content = evidence.bytes(layout.image_name(target))
    folder, where = evidence.folder, evidence.folder + layout.image_name(target)
    sha256 = sha256_hex(content)
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
    if proof["model_sha256"] != model_sha256:
        raise ReleaseError(
            f"{folder}{layout.proof_name(target)} is about model {proof['model_sha256'][:12]}, "
            f"{layout.FIT} about {model_sha256[:12]}",
            "fit, compile and prove the candidate again",
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
