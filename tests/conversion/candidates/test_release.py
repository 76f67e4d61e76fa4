"""From a candidate in S3 to evidence: fit, images and proofs, twice alike."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.support.candidate_maker import PROOF_INPUTS, TINY, make_candidate, put_candidate
from tests.support.chip import HOP, WINDOW
from tests.support.conversion.foreign import tanh_last
from tinyops.boards.catalogue import load_board
from tinyops.boards.image import load_image
from tinyops.conversion.candidates import release
from tinyops.conversion.candidates.arduino_request import candidate_request, newest_version
from tinyops.conversion.candidates.candidate import read_candidate
from tinyops.conversion.candidates.release import compile_candidate, fit_candidate, prove_candidate
from tinyops.conversion.candidates.write import write_candidate
from tinyops.conversion.images.image import build_image
from tinyops.conversion.tflite.errors import ConversionError, DoesNotFit, ProofFailed
from tinyops.projects import load_project, projects_folder
from tinyops.releases.errors import ReleaseError, SealBroken
from tinyops.releases.keys import signing_keys
from tinyops.sketches.reference import Reference
from tinyops.sketches.sketch import SketchSpec
from tinyops.store import ObjectMissing, Pointer, Store, layout, sha256_hex

# All tests but the first compile the same candidate; the first builds it once more and compares.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("images_built_once")]

NAME = "tiny_project"
RUN = "run-1"
TARGET = "nano33ble-sense-qemu-virtual"
REAL = "nano33ble-sense-arduino"
HIMAX = "himax-we1-plus-host-virtual"


@pytest.fixture
def scope(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The content of project.yaml; call `write(scope)` after changing it."""
    example = projects_folder() / "motor_health" / "project.yaml"
    content = yaml.safe_load(example.read_text())
    content |= {"name": NAME, "boards": ["nano33ble-sense", "himax-we1-plus"]}
    content |= {"sensor": "microphone", "source": {"kind": "none", "simulated": True}}
    content["monitoring"] = {"false_alarm_rate": 0.1}
    content["signal"] |= {"rate_hz": 1000, "window": WINDOW, "hop": HOP}
    monkeypatch.setenv("TINYOPS_PROJECTS", str(tmp_path))
    write(content, tmp_path)
    return content


def write(content: dict[str, Any], folder: Path | None = None) -> None:
    path = (folder or projects_folder()) / NAME / "project.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(content))


@pytest.fixture
def candidate(store: Store, scope: dict[str, Any]) -> str:
    put_candidate(store, NAME, RUN)
    return RUN


def test_a_candidate_becomes_evidence(
    store: Store, candidate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinyops.conversion.arduino.build.TOOL", "no-arduino-cli-here")
    folder = layout.release(NAME, candidate)
    fitted = fit_candidate(store, NAME, candidate)
    assert set(fitted["boards"]) == {"nano33ble-sense", "himax-we1-plus"}
    seal = signing_keys().seal()
    assert seal.get_json(store, folder + layout.FIT) == fitted
    assert fitted["passed"]

    compiled = compile_candidate(store, NAME, candidate)
    assert list(compiled["targets"]) == [TARGET, HIMAX]
    image = load_image(store.get(folder + layout.image_name(TARGET)), 0x10000)
    sketch = SketchSpec.from_dict(store.get_json(folder + layout.SKETCH))
    reference = Reference.from_json(store.get(folder + layout.REFERENCE))
    assert (sketch.every, sketch.frame_windows) == (1, 64)
    assert reference.tag == sketch.reference_tag(image.header.model_sha256)
    assert reference.tag == compiled["reference_tag"]
    assert (image.header.version, image.header.reference_tag) == (candidate, reference.tag)
    described = seal.get_json(store, folder + layout.image_facts_name(TARGET))
    assert described["sha256"] == compiled["targets"][TARGET]["sha256"]
    monkeypatch.setattr(release, "build_image", build_image)
    assert compile_candidate(store, NAME, candidate) == compiled
    real = store.get_json(folder + layout.REAL_TARGETS)
    assert real == compiled["real_targets"]
    # Himax has no Arduino core; the Nano has, and no such tool is on PATH.
    reason = "no-arduino-cli-here is not installed"
    assert real == {REAL: {"board": "nano33ble-sense", "built": False, "reason": reason}}

    proved = prove_candidate(store, NAME, candidate)
    proof = seal.get_json(store, folder + layout.proof_name(TARGET))
    assert (proof["project"], proof["version"], proof["target"]) == (NAME, candidate, TARGET)
    assert proof["model_sha256"] == fitted["model_sha256"]
    assert proved["version"] == candidate
    assert proof == proved["proofs"][TARGET]
    assert (proof["mismatches"], proof["samples"], proof["windows"]) == (
        0,
        PROOF_INPUTS,
        14 + 29,
    )
    assert 0 < proof["sketch"].pop("instructions_per_window") < proof["instructions_per_window"]
    assert proof["sketch"] == described["sketch"]
    assert 0 < proof["sketch"]["table_bytes"] < proof["sketch"]["flash_bytes"]
    assert proof["sketch"]["ram_bytes"] >= 9 * 48, "eight frames that wait, and one that is filled"
    assert proof["instructions_per_window"] > proof["instructions_per_inference"] > 0
    assert proof["image_sha256"] == described["sha256"]
    on_host = proved["proofs"][HIMAX]
    assert (on_host["mismatches"], on_host["windows"]) == (0, 14 + 29)
    unknown = ("instructions_per_inference", "shortest_latency_ms", "sketch", "stack_bytes")
    assert {on_host[key] for key in unknown} == {None}
    assert "process of the host" in on_host["latency_note"]
    again = prove_candidate(store, NAME, candidate)["proofs"][TARGET]
    assert again.keys() == proof.keys()
    counted = ("instructions_per_inference", "image_sha256", "flash_bytes", "mismatches")
    assert {key: again[key] for key in counted} == {key: proof[key] for key in counted}


def test_a_board_that_is_too_small_is_named_and_recorded(
    store: Store, candidate: str, scope: dict[str, Any]
) -> None:
    # The image alone would fit; with the vendor's core it does not.
    limits = {"flash_bytes": 90_000, "ram_bytes": 160_000, "latency_ms": 100}
    write(scope | {"constraints": {"nano33ble-sense": limits}})
    with pytest.raises(
        DoesNotFit, match=r"does not fit nano33ble-sense: flash: .* too many -> train a smaller"
    ):
        fit_candidate(store, NAME, candidate)
    report = store.get_json(layout.release(NAME, candidate) + layout.FIT)
    assert not report["boards"]["nano33ble-sense"]["fits"]
    assert report["passed"] is False
    with pytest.raises(
        DoesNotFit, match=r"the linked image of tiny_project does not fit: flash: .* too many"
    ):
        compile_candidate(store, NAME, candidate)


def test_what_the_compiler_refuses_is_not_answered_by_a_smaller_model(
    store: Store, scope: dict[str, Any]
) -> None:
    put_candidate(store, NAME, RUN, model=tanh_last(TINY))
    with pytest.raises(DoesNotFit) as refused:
        fit_candidate(store, NAME, RUN)
    assert "refuses the model: SOFTMAX (operator 9, makes Stateful" in refused.value.message
    assert refused.value.fix == "change that layer, or use a board with runtime tflm"


def test_a_model_that_is_too_slow_fails_its_proof(
    store: Store, candidate: str, scope: dict[str, Any]
) -> None:
    limits = {"flash_bytes": 200_000, "ram_bytes": 160_000, "latency_ms": 0.001}
    write(scope | {"constraints": {"nano33ble-sense": limits}})
    compile_candidate(store, NAME, candidate)
    with pytest.raises(ProofFailed, match=r"at least \d\.\d ms on nano33ble-sense"):
        prove_candidate(store, NAME, candidate)


def test_a_sensor_that_is_missing_stops_the_release(
    store: Store, candidate: str, scope: dict[str, Any]
) -> None:
    write(scope | {"sensor": "adc-piezo"})
    with pytest.raises(DoesNotFit, match="himax-we1-plus has no sensor 'adc-piezo'"):
        fit_candidate(store, NAME, candidate)


def test_an_image_changed_in_the_store_is_not_proven(store: Store, candidate: str) -> None:
    compile_candidate(store, NAME, candidate)
    folder = layout.release(NAME, candidate)
    key = folder + layout.image_name(TARGET)
    data = bytearray(store.get(key))
    data[5000] ^= 1
    store.put(key, bytes(data))
    with pytest.raises(ConversionError, match=r"image\.bin is not the image that was compiled"):
        prove_candidate(store, NAME, candidate)
    facts = folder + layout.image_facts_name(TARGET)
    store.put_json(facts, store.get_json(facts) | {"sha256": sha256_hex(bytes(data))})
    with pytest.raises(SealBroken, match=r"image\.json carries no seal"):
        prove_candidate(store, NAME, candidate)


@pytest.mark.parametrize("name", layout.BUILT_FROM)
def test_a_file_that_training_did_not_write_builds_nothing(
    store: Store, candidate: str, name: str
) -> None:
    put_candidate(store, NAME, "run-2", proof_inputs=np.zeros((1, WINDOW, 1, 1), np.int8))
    key = layout.candidate(NAME, candidate) + name
    other = store.get(layout.candidate(NAME, "run-2") + name)
    store.put(key, other if other != store.get(key) else other + b"\0")
    stages = (fit_candidate,) if name == layout.MODEL else (compile_candidate,)
    for stage in stages:
        with pytest.raises(SealBroken, match=f"{name} is not the file that the candidate's man"):
            stage(store, NAME, candidate)


def test_a_candidate_of_somebody_else_or_a_refused_one_is_not_released(
    store: Store, candidate: str
) -> None:
    key = layout.candidate_manifest(NAME, candidate)
    sealed = store.get(key)
    content = store.get_json(key)
    for forged in (content | {"temperature": 9.0}, {**content, "seal": "0" * 64}, {}, [1]):
        store.put_json(key, forged)
        for stage in (fit_candidate, compile_candidate, prove_candidate):
            with pytest.raises(SealBroken, match=r"candidate\.json carries no seal"):
                stage(store, NAME, candidate)
    store.put(key, sealed)
    # Another candidate's folder, copied whole.
    for row in list(store.objects(layout.candidate(NAME, candidate))):
        store.copy(row.key, layout.candidate(NAME, "run-9") + layout.file_name(row.key))
    with pytest.raises(SealBroken, match=r"run-9/candidate\.json carries no seal"):
        fit_candidate(store, NAME, "run-9")
    put_candidate(store, NAME, "worse", status="worse", reason="0.1 below the champion")
    with pytest.raises(ReleaseError, match=r"was refused: 0\.1 below the champion"):
        fit_candidate(store, NAME, "worse")
    assert fit_candidate(store, NAME, "worse", refused=True)["passed"]


def test_a_candidate_that_is_missing_or_unreadable_is_named(store: Store, candidate: str) -> None:
    with pytest.raises(ObjectMissing, match="run-2"):
        fit_candidate(store, NAME, "run-2")
    store.put(layout.candidate(NAME, candidate) + layout.GOLDEN, b"not an archive")
    with pytest.raises(ConversionError, match=r"golden\.npz: no readable array 'windows'"):
        read_candidate(store, NAME, candidate)


def test_a_candidate_without_batches_in_its_reference_is_named(
    store: Store, candidate: str
) -> None:
    made = make_candidate(NAME, candidate)
    del made.reference["batches"]
    write_candidate(store, made)
    with pytest.raises(ConversionError, match=r"reference\.npz: no readable array 'batches'"):
        compile_candidate(store, NAME, candidate)


def test_what_is_exported_is_what_is_released(store: Store, candidate: str) -> None:
    scope, board = load_project(NAME), load_board("nano33ble-sense")
    with pytest.raises(ConversionError, match="neither a release nor a candidate"):
        newest_version(store, NAME)
    store.put_json(layout.pointer(NAME, Pointer.CANDIDATE), {"version": candidate})
    assert newest_version(store, NAME) == candidate
    store.put_json(layout.pointer(NAME, Pointer.RELEASE), {"version": "run-0"})
    assert newest_version(store, NAME) == "run-0"
    made = candidate_request(store, scope, candidate, board, REAL)
    compiled = compile_candidate(store, NAME, candidate)
    assert (made.version, made.reference_tag) == (candidate, compiled["reference_tag"])
    assert made.sketch is not None
    sketch = store.get_json(layout.release(NAME, candidate) + layout.SKETCH)
    assert made.sketch.to_dict() == sketch


def test_a_real_target_that_cannot_be_built_stops_no_release(
    store: Store, candidate: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Stands for a tool whose compiler fails; none that succeeds is pretended here.
    tool = tmp_path / "arduino-cli"
    tool.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = core ]; then echo \'{"platforms": [{"id": "arduino:mbed_nano"}]}\'\n'
        'else echo \'{"success": false, "compiler_err": "x.ino:1:1: error: broken"}\'; exit 1; fi\n'
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    content = yaml.safe_load((projects_folder() / NAME / "project.yaml").read_text())
    content["signal"]["rate_hz"] = 16000  # what a sketch's microphone can
    write(content)
    compiled = compile_candidate(store, NAME, candidate)
    assert compiled["real_targets"][REAL] == {
        "board": "nano33ble-sense",
        "built": False,
        "reason": "arduino-cli compile: x.ino:1:1: error: broken",
    }
    assert TARGET in compiled["targets"]
