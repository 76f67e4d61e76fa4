"""From recordings to candidate to champion, on a real S3 server with a real (tiny) training run."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.candidate_maker import make_candidate
from tinyops.conversion.tflite.int8 import input_quantisation
from tinyops.conversion.tflite.litert import int8_logits
from tinyops.data.ingest.batch import publish_batch
from tinyops.data.ingest.ingest import ingest_batch
from tinyops.data.recordings.sources import generate
from tinyops.fleet.event import Event
from tinyops.frontend import Frontend, FrontendSpec
from tinyops.projects import Project, load_project
from tinyops.releases import paths
from tinyops.releases.keys import signing_keys
from tinyops.releases.repository import NewTarget, Repository
from tinyops.releases.rollout import next_channel
from tinyops.store import Consumer, Pointer, Store, edge_layout, layout, receipts, sha256_hex
from tinyops.training import registry
from tinyops.training.pipeline import outstanding_dataset, settle_champion, train_candidate

pytestmark = pytest.mark.slow

LOSSES = ("int8_loss", "int8_class_loss", "int8_slice_loss", "tail_loss", "separation_loss")


@pytest.fixture
def project() -> Project:
    """`motor_health` with short windows, a weak objective and a short recipe."""
    full = load_project("motor_health")
    return full.model_copy(
        update={
            "signal": full.signal.model_copy(update={"window": 2048, "hop": 2048}),
            "objective": full.objective.model_copy(
                update=dict.fromkeys(LOSSES, 1.0) | {"minimum": 0}
            ),
            "split": full.split.model_copy(update={"salt": "3"}),
            "training": full.training.model_copy(
                update={"epochs": 4, "learning_rate": 5e-3, "options": {"width": 8, "blocks": 2}}
            ),
        }
    )


@pytest.fixture(autouse=True)
def own_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("_MLFLOW_SERVER_ARTIFACT_ROOT", raising=False)
    monkeypatch.setenv("TINYOPS_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("TINYOPS_CACHE", str(tmp_path / "cache"))


def ingest(store: Store, project: Project, batch: str, start: int) -> str:
    recordings = generate(project, 1, machines=12, seconds=0.5, start_machine=start)
    publish_batch(store, project, batch, recordings)
    result = ingest_batch(store, project, batch)
    assert result["status"] == "accepted", result
    return str(result["dataset"])


def arrays(store: Store, key: str) -> dict[str, Any]:
    return dict(np.load(io.BytesIO(store.get(key))))


def kinds(content: dict[str, Any]) -> dict[str, str]:
    """The type of each array; texts of any length are of one type."""
    return {
        name: "text" if array.dtype.kind == "U" else str(array.dtype)
        for name, array in content.items()
    }


def attest(store: Store, version: str, project: str = "motor_health") -> None:
    event = Event("attested", project, version, "d1", "nano33ble-sense-qemu-virtual")
    store.put_json(edge_layout.gateway_event("gw1", event.id), event.content())


def sign_channel(store: Store, version: str) -> None:
    text = next_channel(None, "motor_health", version, [1.0]).model_dump_json()
    new = NewTarget(paths.channel("motor_health"), text.encode(), {"channel": text})
    Repository(store, signing_keys()).publish([new])


def test_from_dataset_to_champion(store: Store, project: Project) -> None:
    dataset = ingest(store, project, "b1", 0)
    assert outstanding_dataset(store, project) == dataset
    result = train_candidate(store, project, dataset, "run-1")
    assert result["status"] == "first", result
    assert outstanding_dataset(store, project) is None

    folder = layout.candidate("motor_health", "run-1")
    manifest = store.get_json(folder + layout.CANDIDATE_MANIFEST)
    model = store.get(folder + layout.MODEL)
    assert manifest["model_sha256"] == sha256_hex(model)
    assert manifest["labels"] == project.labels
    assert input_quantisation(model) == (manifest["input_scale"], manifest["input_zero_point"])
    frontend = Frontend(FrontendSpec.from_dict(manifest["frontend"]))
    golden = arrays(store, folder + layout.GOLDEN)
    assert golden["windows"].shape == (8, 2048, 1)
    assert golden["windows"].dtype == np.int16
    assert np.array_equal(frontend.run(golden["windows"]), golden["features"])
    assert set(golden["labels"].tolist()) == {0, 1, 2, 3}
    # The candidate that other tests are given has the keys and arrays of a trained one.
    fake = make_candidate("motor_health", "run-1")
    assert fake.manifest.keys() | {"mlflow_run", layout.FILES, "seal"} == manifest.keys()
    assert kinds(fake.golden) == kinds(golden)
    assert kinds(fake.reference) == kinds(arrays(store, folder + layout.REFERENCE_WINDOWS))
    assert int8_logits(model, golden["features"]).shape == (8, 4)
    proof = arrays(store, folder + layout.PROOF_INPUTS)["features"]
    assert proof.dtype == np.int8
    assert proof.shape[1:] == frontend.output_shape
    card = store.get(folder + layout.CARD).decode()
    assert "simulated" in card
    assert "never seen" in card
    metrics = store.get_json(folder + layout.METRICS)
    assert metrics["old_test"] is metrics["new_condition"] is metrics["champion"] is None
    assert metrics["int8"]["macro_f1"] == pytest.approx(result["macro_f1"], abs=1e-4)
    assert np.sum(metrics["int8"]["confusion"]) == result["windows"]
    made = metrics["quantisation"]
    assert made["method"] == result["quantisation"] == "post-training"
    assert list(made["validation"]) == ["post-training"]
    assert made["test"]["windows"] == result["windows"]
    assert sum(part["windows"] for part in made["test"]["classes"]) == result["windows"]
    assert result["int8_slice_loss"] == round(made["test"]["worst_slice"]["loss"], 4)
    assert "## What int8 loses against float" in card
    assert f"({made['test']['worst_slice']['name']}, " in card
    run = registry._client().get_run(result["mlflow_run"])
    logged = run.data
    (learnt_from,) = run.inputs.dataset_inputs
    assert (learnt_from.dataset.name, learnt_from.dataset.digest) == ("motor_health", dataset)
    uri = json.loads(learnt_from.dataset.source)["uri"]
    assert store.get_json(store.key(uri))["version"] == dataset
    assert json.loads(learnt_from.dataset.profile)["by_label"]["ball"] == 12
    assert {tag.key: tag.value for tag in learnt_from.tags} == {"mlflow.data.context": "training"}
    assert logged.metrics["int8_loss/ball"] == made["test"]["classes"][3]["loss"]
    assert logged.metrics["int8_slice_loss"] == result["int8_slice_loss"]
    assert made["test"]["tail"] is None, "of so few windows there is none"
    assert "too few windows" in card
    assert logged.tags["quantisation"] == "post-training"
    assert store.get_json(layout.pointer("motor_health", Pointer.CANDIDATE))["version"] == "run-1"
    assert registry.alias("motor_health", "candidate") == "1"
    assert registry.alias("motor_health", "champion") is None

    # The alias moves only when a device has attested, and settling again changes nothing.
    assert settle_champion(store, "motor_health")["champion"] is None
    store.put_json(layout.release_manifest("motor_health", "r1"), {"candidate": "run-1"})
    sign_channel(store, "r1")
    attest(store, "other", project="exercise_watch")
    assert settle_champion(store, "motor_health")["champion"] is None
    attest(store, "r1")
    told = settle_champion(store, "motor_health")
    assert told == {"champion": "r1", "candidate": "run-1", "changed": True}
    assert registry.alias("motor_health", "champion") == "1"
    assert settle_champion(store, "motor_health")["changed"] is False

    # A candidate that is worse than the champion is kept but not taken.
    demanding = project.model_copy(
        update={"objective": project.objective.model_copy(update={"minimum": 1.0})}
    )
    second = ingest(store, project, "b2", 12)
    refused = train_candidate(store, demanding, second, "run-2")
    assert refused["status"] == "worse"
    assert "below the minimum" in refused["reason"]
    metrics = store.get_json(layout.candidate("motor_health", "run-2") + layout.METRICS)
    old, new = metrics["old_test"], metrics["new_condition"]
    # What the champion knew is the first test part, now with the challenger beside it.
    assert old["champion"] == store.get_json(folder + layout.METRICS)["int8"]
    assert old["challenger"]["windows"] + new["challenger"]["windows"] == refused["windows"]
    forgetting = old["champion"]["macro_f1"] - old["challenger"]["macro_f1"]
    assert old["forgetting"] == pytest.approx(forgetting)
    assert refused["forgetting"] == pytest.approx(forgetting, abs=1e-4)
    assert metrics["champion"]["macro_f1"] == pytest.approx(refused["champion_macro_f1"], abs=1e-4)
    card = store.get(layout.candidate("motor_health", "run-2") + layout.CARD).decode()
    assert "| known to the champion |" in card
    assert "| new to it |" in card
    receipt = receipts.read(store, "motor_health", Consumer.TRAIN, second)
    assert receipt is not None
    assert receipt.status == "refused"
    assert store.get_json(layout.pointer("motor_health", Pointer.CANDIDATE))["version"] == "run-1"
    assert store.exists(layout.candidate("motor_health", "run-2") + layout.CARD)
    assert registry.alias("motor_health", "candidate") == "1"
