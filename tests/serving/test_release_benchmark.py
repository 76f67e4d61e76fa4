"""The benchmark of a release: written from proofs, beside the champion's, and a gate."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.candidate_maker import put_candidate
from tinyops.projects import projects_folder
from tinyops.releases.errors import SealBroken
from tinyops.releases.keys import signing_keys
from tinyops.serving.errors import ServingError, SlowerThanChampion
from tinyops.serving.release import benchmark_candidate
from tinyops.store import Consumer, Store, layout, receipts
from tinyops_airflow.work import refusing

NAME = "motor_sound"
NANO, EYE = "nano33ble-sense-qemu-virtual", "esp-eye-host-virtual"


def proof(board: str, target: str, window: int | None) -> dict[str, Any]:
    """What prove writes, as far as the benchmark reads it."""
    return {
        "board": board,
        "target": target,
        "chip": "QEMU mps2-an386" if window else "process of the host",
        "instructions_per_window": window,
        "instructions_per_inference": window and window // 2,
    }


def prove(store: Store, version: str, window: int) -> str:
    """A candidate with proofs of one emulated board and of one that is not."""
    folder, seal = layout.release(NAME, version), signing_keys().seal()
    seal.put_json(store, folder + layout.proof_name(NANO), proof("nano33ble-sense", NANO, window))
    seal.put_json(store, folder + layout.proof_name(EYE), proof("esp-eye", EYE, None))
    put_candidate(store, NAME, version)
    return version


def crown(store: Store, version: str, pointer: str = "champion") -> None:
    store.put_json(layout.pointer(NAME, pointer), {"version": version})


def test_the_first_release_has_figures_and_nothing_to_lose_against(store: Store) -> None:
    told = benchmark_candidate(store, NAME, prove(store, "v1", 3_200_000))

    assert told == {
        "version": "v1",
        "targets": {
            NANO: {"latency_ms": 50.0, "slowdown": None},
            EYE: {"latency_ms": None, "slowdown": None},
        },
    }
    folder = layout.release(NAME, "v1")
    written = store.get_json(folder + layout.BENCHMARK)
    assert (written["champion"], written["note"]) == (None, "MLPerf-style, not an MLPerf result")
    nano, eye = written["targets"][NANO], written["targets"][EYE]
    assert (nano["counted"], nano["latency_bound_ms"]) == ("window", 150)
    values = {one["scenario"]: one["value"] for one in nano["results"]}
    assert values["multi-stream"] == 3, "windows of 50 ms in what the project allows, 150 ms"
    assert (values["single-stream"], values["offline"]) == (50, 20)
    assert 0 < values["server"] < 20
    assert {one["measured"] for one in nano["results"]} == {"emulated"}
    assert (eye["results"], eye["note"]) == (
        [],
        "not known: the image ran as a process of the host",
    )
    host = store.get_json(folder + layout.HOST_BENCHMARK)
    assert [one["scenario"] for one in host["results"]] == ["single-stream", "offline"]
    assert {one["measured"] for one in host["results"]} == {"host-measured"}


def test_a_slowdown_beyond_the_limit_is_a_receipt_and_within_it_none(store: Store) -> None:
    crown(store, prove(store, "v1", 1_000_000))
    # Staged, but no device has attested it.
    crown(store, prove(store, "v2", 9_000_000), "release")
    within = benchmark_candidate(store, NAME, prove(store, "v3", 1_200_000))
    assert within["targets"][NANO]["slowdown"] == 0.2

    prove(store, "v4", 1_210_000)
    with (
        pytest.raises(SlowerThanChampion, match=r"21% more than v1 with 1,000,000") as caught,
        refusing(store, NAME, "v4"),
    ):
        benchmark_candidate(store, NAME, "v4")

    assert "candidate v4 of motor_sound takes 1,210,000 instructions a window" in str(caught.value)
    assert "objective.allowed_slowdown" in caught.value.fix
    refused = receipts.read(store, NAME, Consumer.RELEASE, "v4")
    assert refused is not None
    assert (refused.status, refused.reason) == ("refused", str(caught.value))
    written = store.get_json(layout.release(NAME, "v4") + layout.BENCHMARK)
    assert written["targets"][NANO]["slowdown"] == 0.21, "what was found is kept"
    assert written["passed"] is False


def test_a_project_may_allow_more(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = yaml.safe_load((projects_folder() / NAME / "project.yaml").read_text())
    content["objective"]["allowed_slowdown"] = 8.0
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "project.yaml").write_text(yaml.safe_dump(content))
    monkeypatch.setenv("TINYOPS_PROJECTS", str(tmp_path))
    crown(store, prove(store, "v1", 1_000_000), "release")
    told = benchmark_candidate(store, NAME, prove(store, "v2", 9_000_000))
    assert told["targets"][NANO]["slowdown"] == 8.0


def test_a_champions_proof_that_was_changed_allows_nothing(store: Store) -> None:
    crown(store, prove(store, "v1", 1_000_000))
    prove(store, "v2", 9_000_000)
    key = layout.release(NAME, "v1") + layout.proof_name(NANO)
    store.put_json(key, store.get_json(key) | {"instructions_per_window": 9_000_000})
    with pytest.raises(SealBroken, match=rf"v1/proof-{NANO}\.json carries no seal"):
        benchmark_candidate(store, NAME, "v2")


def test_a_repeated_benchmark_writes_the_same(store: Store) -> None:
    crown(store, prove(store, "v1", 1_000_000))
    key = layout.release(NAME, prove(store, "v2", 1_100_000)) + layout.BENCHMARK
    benchmark_candidate(store, NAME, "v2")
    before = store.get(key)
    crown(store, "v2")
    benchmark_candidate(store, NAME, "v2")
    assert store.get(key) == before


def test_a_candidate_without_a_proof_is_named(store: Store) -> None:
    with pytest.raises(ServingError, match="v9/ holds no proof") as caught:
        benchmark_candidate(store, NAME, "v9")
    assert caught.value.fix == "prove the candidate first"


def test_nothing_of_it_needs_the_emulator() -> None:
    code = "import sys, tinyops.serving.release; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "tinyops.serving.release" in done.stdout.split()
    assert not [name for name in done.stdout.split() if name.startswith("tinyops.emulation")]
