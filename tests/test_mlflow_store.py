"""MLflow's SQLite file is made once, whoever comes first and however many come at once."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tinyops import mlflow_store
from tinyops.mlflow_store import MlflowStoreError

FIRST_USE = """
import sys
from tinyops.training import registry
run = registry.log_run("p", sys.argv[1], {"a": 1}, {"f1": 0.9}, {}, {"card.md": b"x"})
registry.register("p", sys.argv[1], run, "s3://b/c", "d")
print(registry.crown("p", sys.argv[1]))
"""


@pytest.mark.slow
def test_processes_that_use_it_first_at_once_all_succeed(tmp_path: Path) -> None:
    env = os.environ | {"TINYOPS_STATE": str(tmp_path / "state")}
    for name in ("MLFLOW_TRACKING_URI", mlflow_store.ARTIFACT_ROOT):
        env.pop(name, None)
    running = [
        subprocess.Popen(
            [sys.executable, "-c", FIRST_USE, f"run-{number}"],
            env=env,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    ended = [(*process.communicate(timeout=240), process.returncode) for process in running]
    assert [status for _, _, status in ended] == [0, 0], [error[-600:] for _, error, _ in ended]
    assert {out.strip() for out, _, _ in ended} == {"1", "2"}, "versions of one model"
    with sqlite3.connect(tmp_path / "state" / "mlflow" / "mlflow.db") as database:
        rows = database.execute("SELECT name, artifact_location FROM experiments").fetchall()
    home = str(tmp_path / "state" / "mlflow" / "artifacts")
    assert sorted(name for name, _ in rows) == ["Default", "p"]
    assert all(home in place for _, place in rows)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state"], "nothing of it elsewhere"
    assert (tmp_path / "state" / "mlflow").stat().st_mode & 0o777 == 0o700


def test_servers_are_left_alone_and_what_cannot_be_made_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlflow_store, "_migrate", lambda uri, path: path.write_text("made"))
    for uri in ("http://mlflow:5000", "postgresql://h/mlflow", "databricks", "./mlruns"):
        mlflow_store.prepare(uri)
    assert list(tmp_path.iterdir()) == []
    for uri in (
        f"sqlite:///{tmp_path}/a/mlflow.db",
        f"sqlite+pysqlite:///{tmp_path}/b/mlflow.db?timeout=9",
    ):
        mlflow_store.prepare(uri)
    assert (tmp_path / "a" / "mlflow.db").read_text() == "made"
    monkeypatch.setattr(mlflow_store, "_migrate", lambda uri, path: 1 / 0)
    mlflow_store.prepare(f"sqlite:///{tmp_path}/b/mlflow.db")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MlflowStoreError, match=r"cannot be made: .*file") as caught:
        mlflow_store.prepare(f"sqlite:///{tmp_path}/file/mlflow.db")
    assert "MLFLOW_TRACKING_URI" in caught.value.fix
