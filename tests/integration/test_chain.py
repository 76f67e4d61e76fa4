"""Real recordings to a signed release by the DAGs: S3, Airflow, TensorFlow, gcc and QEMU."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.airflow_runs import AirflowProcess
from tinyops.data.datasets.dataset import current_version
from tinyops.data.ingest.batch import publish_batch
from tinyops.data.recordings.sources.registry import source_for
from tinyops.projects import load_project
from tinyops.store import Consumer, Pointer, Store, edge_layout, layout, receipts, sha256_hex


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_batch_becomes_a_signed_release(
    airflow: AirflowProcess,
    undemanding: Path,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Of people; the simulated machines go all the way, to boards of four kinds, in test_demo.py.
    name = "exercise_watch"
    monkeypatch.setenv("TINYOPS_PROJECTS", str(undemanding))
    project = load_project(name)
    publish_batch(store, project, "first", source_for(project).recordings(11, "small"))
    env = airflow.env(TINYOPS_BUCKET=store.bucket, TINYOPS_STATE=str(tmp_path / "state"))

    stages = ["ingest", "train", "release", "release"]
    runs = airflow.run_dags(env, [f"{name}__{stage}" for stage in stages], tmp_path / "runs.json")
    for run in runs[:3]:
        assert run["state"] == "success", run
    # Of a small batch no file is measured apart.
    apart = {"measure_files": "skipped", "join_batches": "skipped"}
    assert runs[0]["tasks"] == {"ingest_batches": "success"} | apart
    for run in runs[1:3]:
        assert set(run["tasks"].values()) == {"success"}, run
    _, trained, released, again = runs
    assert set(again["tasks"].values()) == {"skipped"}, "handled work is not done again"

    dataset = current_version(store, name)
    [[asset, extra]] = trained["events"]
    assert (asset, extra["dataset"]) == (f"{name}/candidate", dataset)
    candidate = extra["version"]
    assert extra["uri"] == store.uri(layout.candidate(name, candidate))
    [[asset, extra]] = released["events"]
    assert asset == f"{name}/release"
    version = extra["version"]

    # What gateways pull is what was proved, byte for byte, and hangs together by its hashes.
    manifest = store.get_json(layout.release_manifest(name, version))
    assert manifest["dataset"] == dataset
    assert len(manifest["targets"]) == len(project.boards)
    for target, content in manifest["targets"].items():
        proof = store.get_json(layout.release(name, version) + layout.proof_name(target))
        assert proof["mismatches"] == 0
        for image in content["images"]:
            built = store.get(layout.release(name, version) + layout.image_name(target))
            assert sha256_hex(built) == image["sha256"] == proof["image_sha256"]
    assert store.exists(edge_layout.tuf_metadata(edge_layout.TUF_TIMESTAMP))
    assert store.get_json(layout.pointer(name, Pointer.RELEASE))["version"] == version
    assert receipts.handled(store, name, Consumer.TRAIN) == {dataset}
    assert receipts.handled(store, name, Consumer.RELEASE) == {candidate}
