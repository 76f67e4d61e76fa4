"""From a candidate in the store to evidence for its release: fit, images, proofs.

The release's version is the candidate's id. Every step may be repeated: it reads the candidate,
which never changes, and writes the same objects again. What a step writes as evidence it seals, and
it uses nothing that training or an earlier step has not sealed.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tinyops.boards.board import Board
from tinyops.boards.catalogue import load_board
from tinyops.boards.image import load_image
from tinyops.conversion.candidates.candidate import (
    CandidateFiles,
    read_candidate,
    read_reference_windows,
)
from tinyops.conversion.candidates.coverage import check_coverage
from tinyops.conversion.candidates.prove import Proof, prove
from tinyops.conversion.candidates.real_targets import build_real_targets
from tinyops.conversion.candidates.sketching import sensed_golden, sketch_and_reference
from tinyops.conversion.images.build_request import BuildRequest
from tinyops.conversion.images.fit import SMALLER, check_sensor, excess, fit_project, limits_of
from tinyops.conversion.images.image import BuiltImage, build_image
from tinyops.conversion.images.memory import linked
from tinyops.conversion.tflite.canonical import canonical
from tinyops.conversion.tflite.errors import ConversionError, DoesNotFit, ProofFailed
from tinyops.projects import Project, load_project
from tinyops.releases.errors import ReleaseError
from tinyops.releases.keys import signing_keys
from tinyops.sketches.sketch import SketchSpec
from tinyops.store import Store, layout, sha256_hex


def fit_candidate(
    store: Store, project: str, candidate: str, *, refused: bool = False
) -> dict[str, Any]:
    """Hold the candidate against every board of the project; writes fit.json.

    A pre-check by estimates that links nothing: `compile_candidate` measures the image itself.

    Parameters
    ----------
    refused
        Take a candidate that training refused, too: somebody has named it.

    Returns
    -------
    {candidate, version, dataset, model_sha256, passed, boards: {board: fit report}}

    Raises
    ------
    UnfitCandidate
        A class of the project has no windows in train, validation or test.
    DoesNotFit
        A sensor, memory or an operator is missing on a board; fit.json has been written.
    ReleaseError
        Training refused the candidate; SealBroken, if this pipeline has not trained it.
    """
    scope = load_project(project)
    seal = signing_keys().seal()
    files = CandidateFiles(store, project, candidate, seal)
    if files.manifest["status"] == "worse" and not refused:
        raise ReleaseError(
            f"candidate {candidate} of {project} was refused: {files.manifest['reason']}",
            "name it in the parameter `candidate` of a run to release it all the same",
        )
    check_coverage(scope, files.manifest)
    tflite = files.read(layout.MODEL)
    boards = [load_board(name) for name in scope.boards]
    for board in boards:
        check_sensor(scope, board)
    reports = {board.name: fit_project(tflite, scope, board) for board in boards}
    result = {
        "candidate": candidate,
        "version": candidate,
        "dataset": files.manifest["dataset"],
        "model_sha256": sha256_hex(tflite),
        "passed": all(report.fits for report in reports.values()),
        "boards": {name: report.to_dict() for name, report in reports.items()},
    }
    seal.put_json(store, layout.release(project, candidate) + layout.FIT, result)
    for name, report in reports.items():
        if not report.fits:
            raise DoesNotFit(
                f"candidate {candidate} of {project} does not fit {name}: {report.problems[0]}",
                report.fix,
            )
    return result


def compile_candidate(store: Store, project: str, candidate: str) -> dict[str, Any]:
    """Build one image a target and the reference that its devices' counts are compared with.

    Writes sketch.json and reference.json, then <target>/image.bin and <target>/image.json of each,
    and real-targets.json: what was built for real boards, or why it was not.

    Returns
    -------
    {version, reference_tag, targets: {target: {board, uri, bytes, sha256}}, real_targets: as
    `build_real_targets`}

    Raises
    ------
    DoesNotFit
        The linked image, with the vendor's core, takes more than board or project allow.
    ConversionError, SketchError, ReferenceError
        The model, a source or the reference windows are refused.
    """
    scope = load_project(project)
    seal = signing_keys().seal()
    found = read_candidate(store, project, candidate, seal)
    windows = read_reference_windows(store, project, candidate, seal)
    sketch, reference = sketch_and_reference(scope, found, windows)
    folder = layout.release(project, candidate)
    store.put_json(folder + layout.SKETCH, sketch.to_dict())
    store.put(folder + layout.REFERENCE, reference.to_json().encode())
    targets: dict[str, Any] = {}
    requests = []
    for board, target in _targets(scope):
        with tempfile.TemporaryDirectory() as scratch:
            request = BuildRequest(
                tflite=found.tflite,
                board=board,
                target=target,
                frontend=found.frontend,
                golden=found.golden,
                project=project,
                version=candidate,
                reference_tag=reference.tag,
                temperature=found.temperature,
                sketch=sketch,
            )
            requests.append(request)
            built = build_image(request, Path(scratch))
            if built.sizes is not None:
                _check_sizes(scope, board, built)
        content = built.to_dict()
        uri = store.put(folder + layout.image_name(target), built.image.bytes)
        seal.put_json(store, folder + layout.image_facts_name(target), content)
        targets[target] = {
            "board": board.name,
            "uri": uri,
            "bytes": content["bytes"],
            "sha256": content["sha256"],
        }
    return {
        "version": candidate,
        "reference_tag": reference.tag,
        "targets": targets,
        "real_targets": build_real_targets(store, scope, requests),
    }


def prove_candidate(store: Store, project: str, candidate: str) -> dict[str, Any]:
    """Boot every image as it is in the store and compare it; writes proof-<target>.json.

    Returns
    -------
    {version, proofs: {target: proof}}

    Raises
    ------
    ProofFailed
        An image computes or counts something else, or needs more instructions a window than the
        project's latency allows even at one instruction a clock cycle.
    ConversionError
        An image is not the one that was compiled.
    """
    scope = load_project(project)
    seal = signing_keys().seal()
    found = read_candidate(store, project, candidate, seal)
    folder = layout.release(project, candidate)
    sketch = SketchSpec.from_dict(store.get_json(folder + layout.SKETCH))
    sensed = sensed_golden(found, sketch)
    reference = canonical(found.tflite)
    proofs: dict[str, Any] = {}
    for board, target in _targets(scope):
        described = seal.get_json(store, folder + layout.image_facts_name(target))
        data = store.get(folder + layout.image_name(target))
        if sha256_hex(data) != described["sha256"]:
            raise ConversionError(
                f"{store.uri(folder + layout.image_name(target))} is not the image that was "
                "compiled",
                "compile the candidate again, and find out who wrote to the bucket",
            )
        image = load_image(data, described["offset"], described["role"])
        proof = prove(image, reference, found.proof_inputs, sensed=sensed)
        content = proof.to_dict() | {
            "project": project,
            "version": candidate,
            "model_sha256": sha256_hex(found.tflite),
            "windows": proof.samples + proof.golden + sensed.windows,
            "image_sha256": sha256_hex(data),
            "sketch": _sketch_cost(described["sketch"], proof),
            **_latency(scope, board, proof),
        }
        del content["instructions_per_count"]
        seal.put_json(store, folder + layout.proof_name(target), content)
        proofs[target] = content
    return {"version": candidate, "proofs": proofs}


def _targets(project: Project) -> list[tuple[Board, str]]:
    boards = [load_board(name) for name in project.boards]
    return [(board, target) for board in boards for target in board.targets]


def _check_sizes(project: Project, board: Board, built: BuiltImage) -> None:
    """DoesNotFit if the linked image and the vendor's core exceed what board or project allow."""
    problems = excess(linked(built, board), limits_of(project, board), board.name)
    if problems:
        raise DoesNotFit(f"the linked image of {project.name} does not fit: {problems[0]}", SMALLER)


def _sketch_cost(footprint: dict[str, int] | None, proof: Proof) -> dict[str, int] | None:
    if footprint is None or proof.instructions_per_count is None:
        return None
    return footprint | {"instructions_per_window": proof.instructions_per_count}


def _latency(project: Project, board: Board, proof: Proof) -> dict[str, Any]:
    instructions = proof.instructions_per_window or proof.instructions_per_inference
    if instructions is None:
        note = f"not known: the image ran as a {proof.chip}"
        return {"shortest_latency_ms": None, "latency_note": note}
    shortest = 1000.0 * instructions / board.clock.hz
    constraint = project.constraints.get(board.name)
    if constraint and shortest > constraint.latency_ms:
        raise ProofFailed(
            f"one window takes {instructions:,} instructions, at least {shortest:.1f} ms on "
            f"{board.name}; {project.name} allows {constraint.latency_ms:g} ms",
            "train a smaller model or raise constraints latency_ms",
        )
    return {"shortest_latency_ms": round(shortest, 3), "latency_note": "at one instruction a cycle"}
