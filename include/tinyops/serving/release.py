"""The benchmark of a release: what its proofs counted, beside the champion's.

Nothing is run on an emulator again. Instructions repeat, so they gate; times of this host do not,
so they are kept apart and only recorded.
"""

from __future__ import annotations

from typing import Any

from tinyops.boards.catalogue import load_board
from tinyops.projects import Project, load_project
from tinyops.releases.keys import signing_keys
from tinyops.releases.seal import Seal
from tinyops.serving.chip import Answer, board_results
from tinyops.serving.errors import ServingError, SlowerThanChampion
from tinyops.serving.load import host_results
from tinyops.serving.scenario import NO_MLPERF_RESULT, Scenario
from tinyops.store import Pointer, Store, layout

_COUNTS = ("window", "inference")
_HOST_SECONDS, _HOST_BOUND_MS = 0.1, 10.0


def benchmark_candidate(store: Store, project: str, candidate: str) -> dict[str, Any]:
    """Write benchmark.json from the proofs of a candidate, and hold it against the champion.

    Times of this host go into benchmark-host.json.

    Returns
    -------
    {version, targets: {target: {latency_ms, slowdown}}}; None where a figure is not known

    Raises
    ------
    SlowerThanChampion
        On some target it needs more instructions beyond what `objective.allowed_slowdown` allows;
        benchmark.json has been written.
    ServingError
        The candidate was not proven.
    SealBroken
        A proof was not written by this pipeline.
    """
    scope = load_project(project)
    seal = signing_keys().seal()
    folder = layout.release(project, candidate)
    proofs = _proofs(store, seal, scope, candidate)
    if not proofs:
        raise ServingError(f"{store.uri(folder)} holds no proof", "prove the candidate first")
    champion = champion_of(store, seal, project, candidate)
    before = _proofs(store, seal, scope, champion) if champion else {}
    targets = {
        target: _serving(scope, proof, before.get(target)) for target, proof in proofs.items()
    }
    too_slow = [name for name, found in targets.items() if _too_slow(scope, found)]
    content = {
        "version": candidate,
        "note": NO_MLPERF_RESULT,
        "champion": champion,
        "allowed_slowdown": scope.objective.allowed_slowdown,
        "passed": not too_slow,
        "targets": targets,
    }
    seal.put_json(store, folder + layout.BENCHMARK, content)
    for target in too_slow:
        raise _slower(scope, candidate, champion, target, targets[target])
    store.put_json(folder + layout.HOST_BENCHMARK, _host(store, project, candidate))
    return {
        "version": candidate,
        "targets": {
            target: {"latency_ms": found["latency_ms"], "slowdown": found["slowdown"]}
            for target, found in targets.items()
        },
    }


def champion_of(store: Store, seal: Seal, project: str, candidate: str) -> str | None:
    """The version that devices attest, or else the one that is staged; None before the first.

    Where that is the candidate itself, the benchmark is repeated, against the champion of then.
    """
    for name in (Pointer.CHAMPION, Pointer.RELEASE):
        pointer = store.get_json_or(layout.pointer(project, name), None)
        if pointer and pointer["version"] != candidate:
            return str(pointer["version"])
        if pointer:
            key = layout.release(project, candidate) + layout.BENCHMARK
            champion = seal.get_json_or(store, key, {"champion": None})["champion"]
            return None if champion is None else str(champion)
    return None


def _proofs(store: Store, seal: Seal, project: Project, version: str) -> dict[str, dict[str, Any]]:
    """The proofs of a version by target."""
    folder = layout.release(project.name, version)
    found = {
        target: seal.get_json_or(store, folder + layout.proof_name(target), None)
        for board in project.boards
        for target in load_board(board).targets
    }
    return {target: proof for target, proof in found.items() if proof}


def _serving(
    project: Project, proof: dict[str, Any], before: dict[str, Any] | None
) -> dict[str, Any]:
    """One target's entry in benchmark.json."""
    board = load_board(proof["board"])
    bound_ms = _bound_ms(project, board.name)
    content: dict[str, Any] = {"board": board.name, "latency_bound_ms": bound_ms}
    unknown: dict[str, Any] = {
        "instructions": None,
        "latency_ms": None,
        "slowdown": None,
        "results": [],
    }
    for of in _COUNTS:
        instructions = proof[f"instructions_per_{of}"]
        if instructions is not None:
            break
    else:
        return content | unknown | {"note": f"not known: the image ran as a {proof['chip']}"}
    answer = Answer(board.name, instructions, of, board.clock.hz)
    earlier = before.get(f"instructions_per_{of}") if before else None
    return content | {
        "instructions": instructions,
        "counted": of,
        "latency_ms": round(1000 * answer.seconds, 3),
        "champion_instructions": earlier,
        "slowdown": round(instructions / earlier - 1, 4) if earlier else None,
        "results": [one.to_dict() for one in board_results(answer, Scenario, bound_ms)],
    }


def _bound_ms(project: Project, board: str) -> float:
    """What the project allows a window on a board, or else the time until the next window."""
    if constraint := project.constraints.get(board):
        return constraint.latency_ms
    return 1000.0 * project.signal.hop / project.signal.rate_hz


def _too_slow(project: Project, found: dict[str, Any]) -> bool:
    slowdown = found["slowdown"]
    return slowdown is not None and slowdown > project.objective.allowed_slowdown


def _slower(
    project: Project, candidate: str, champion: str | None, target: str, found: dict[str, Any]
) -> SlowerThanChampion:
    return SlowerThanChampion(
        f"candidate {candidate} of {project.name} takes {found['instructions']:,} instructions a "
        f"{found['counted']} on {target}, {found['slowdown']:.0%} more than {champion} with "
        f"{found['champion_instructions']:,}; the project allows "
        f"{project.objective.allowed_slowdown:.0%}",
        "train a smaller model, or raise objective.allowed_slowdown in project.yaml",
    )


def _host(store: Store, project: str, candidate: str) -> dict[str, Any]:
    """What this host takes for the model, or why that is not known; never stops a release."""
    content = {"version": candidate, "note": NO_MLPERF_RESULT}
    tflite = store.get(layout.candidate(project, candidate) + layout.MODEL)
    scenarios = [Scenario.SINGLE_STREAM, Scenario.OFFLINE]
    try:
        results = host_results(
            tflite, scenarios, _HOST_BOUND_MS, seconds=_HOST_SECONDS, queries=10, timeout=60.0
        )
    except ServingError as error:
        return content | {"results": [], "problem": str(error)}
    return content | {"results": [one.to_dict() for one in results]}
