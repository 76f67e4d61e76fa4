"""`tinyops data`: what a person types, against real files and a real S3 server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.support.data.recording_maker import recording
from tinyops.cli.data import data_app
from tinyops.data.ingest.ingest import ingest_batch
from tinyops.data.recordings import Recording, write_recordings
from tinyops.errors import TinyOpsError
from tinyops.projects import load_project
from tinyops.store import Store

run = CliRunner().invoke


PROJECT = load_project("motor_health")


def _long(name: str, **changes: object) -> Recording:
    shape = (1, 2 * PROJECT.signal.window)
    noise = np.random.default_rng(len(name)).normal(0, 9, shape).astype(np.float32)
    return recording(name, **{"signal": noise, "rate_hz": PROJECT.signal.rate_hz, **changes})


def test_check_a_good_file(tmp_path: Path) -> None:
    path = tmp_path / "good.parquet"
    write_recordings(path, [_long("a"), _long("bb")])
    done = run(data_app, ["check", str(path), "--project", "motor_health"])
    assert done.exit_code == 0, done.output
    assert "2 of 2 recordings are good" in done.output


def test_check_a_bad_file(tmp_path: Path) -> None:
    path = tmp_path / "bad.parquet"
    write_recordings(path, [_long("a"), _long("bb", label="[red]cage")])
    done = run(data_app, ["check", str(path), "--project", "motor_health"])
    assert done.exit_code == 1
    assert "[red]cage" in done.output
    done = run(data_app, ["check", str(path), "--project", "motor_health", "--json"])
    assert done.exit_code == 1
    told = json.loads(done.output)
    assert (told["accepted"], told["refused"]) == (1, 1)
    assert told["refusals"][0]["row"] == 1


def test_check_what_is_no_parquet(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("no")
    done = run(data_app, ["check", str(path), "--project", "motor_health"])
    assert isinstance(done.exception, TinyOpsError)
    assert done.exception.message == "x.csv: is no Parquet file"
    assert f"tinyops data import {path} -p motor_health" in str(done.exception)
    path.write_bytes(b"PAR1 and no more")
    done = run(data_app, ["check", str(path), "--project", "motor_health"])
    assert isinstance(done.exception, TinyOpsError)
    assert done.exception.message.startswith("x.csv: cannot be read as Parquet")


def test_publish_and_log(store: Store) -> None:
    project = load_project("exercise_watch")
    done = run(data_app, ["publish", "--project", project.name, "--json"])
    assert done.exit_code == 0, done.output
    batch = json.loads(done.output)["batch"]
    told = json.loads(run(data_app, ["log", "-p", project.name, "--json"]).output)
    assert [row["status"] for row in told["batches"]] == ["waiting"]
    answer = ingest_batch(store, project, batch)
    assert answer["status"] == "accepted", answer["reason"]
    told = json.loads(run(data_app, ["log", "-p", project.name, "--json"]).output)
    assert [row["version"] for row in told["versions"]] == [answer["dataset"]]
    assert told["versions"][0]["simulated"] is False
    assert answer["dataset"] in run(data_app, ["log", "-p", project.name]).output


def test_publish_a_file_of_simulated_recordings_says_so(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "bench.parquet"
    write_recordings(path, [_long("a", conditions={"simulated": "true"})])
    done = run(data_app, ["publish", "-p", "motor_health", "--file", str(path), "--json"])
    content = store.get_json(store.key(json.loads(done.output)["uri"]))
    assert (content["batch"], content["source"], content["simulated"]) == ("bench", "file", True)


def test_foreign_files_are_handed_in_as_they_are(store: Store, tmp_path: Path) -> None:
    for name in ("m1", "m2"):
        rows = np.random.default_rng(1).normal(0, 9, 2 * PROJECT.signal.window)
        np.savez(tmp_path / f"{name}.npz", x=rows, fs=PROJECT.signal.rate_hz)
    (tmp_path / "m3.npz").write_bytes(b"no")
    files = [str(path) for path in sorted(tmp_path.glob("*.npz"))]
    said = ["--machine", "{stem}", "--label", "normal", "--gain", "1", "--recorded-at", "file"]
    arguments = ["import", *files, "-p", "motor_health", *said]
    done = run(data_app, [*arguments, "--publish", "raw", "--note", "bench", "--json"])
    assert done.exit_code == 0, (done.output, done.exception)
    content = store.get_json(store.key(json.loads(done.output)["uri"]))
    assert (content["note"], content["said"]["machine"]) == ("bench", "{stem}")
    assert [Path(each["path"]).name for each in content["originals"]] == [
        "m1.npz",
        "m2.npz",
        "m3.npz",
    ]
    # In one file they are read here, and all or nothing is written.
    out = tmp_path / "out.parquet"
    done = run(data_app, [*arguments, "--out", str(out)])
    assert "m3.npz" in str(done.exception)
    assert not out.exists()
    (tmp_path / "m3.npz").unlink()
    arguments.remove(files[2])
    assert run(data_app, [*arguments, "--out", str(out)]).exit_code == 0
    assert run(data_app, ["check", str(out), "-p", "motor_health"]).exit_code == 1, "one is a copy"
    assert run(data_app, arguments).exit_code == 2
    assert run(data_app, [*arguments, "--out", str(out), "--publish", "x"]).exit_code == 2


@pytest.mark.parametrize(
    "module", ["tinyops.cli.data", "tinyops.data", "tinyops.data.ingest.ingest"]
)
def test_importing_costs_nothing(module: str) -> None:
    heavy = {"pandas", "pyarrow", "great_expectations", "boto3", "tensorflow", "scipy", "seglearn"}
    code = f"import sys, {module}; print(sorted(set(sys.modules) & {heavy!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
