"""MLflow on SQLite: the tracking store and the model registry of the embedded stack."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from tinyops.errors import TinyOpsError
from tinyops.local import process


class MlflowStoreError(TinyOpsError):
    """MLflow's database cannot be made."""


def tracking_uri(state_dir: Path) -> str:
    """The SQLite URI of this state folder."""
    return f"sqlite:///{state_dir.resolve() / 'mlflow' / 'mlflow.db'}"


def env(state_dir: Path) -> dict[str, str]:
    """Where MLflow clients log to."""
    return {
        "MLFLOW_TRACKING_URI": tracking_uri(state_dir),
        # MLflow 3.17 without a server would put artifacts into ./mlruns of whatever the current
        # folder is; this variable, meant for its server, is the only one that says otherwise.
        "_MLFLOW_SERVER_ARTIFACT_ROOT": str(state_dir.resolve() / "mlflow" / "artifacts"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def migrate(state_dir: Path) -> None:
    """Make or upgrade the database; at once when this version of MLflow did it before."""
    home = state_dir.resolve() / "mlflow"
    stamp, wanted = home / "migrated", version("mlflow")
    if (home / "mlflow.db").exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    (home / "artifacts").mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "mlflow", "db", "upgrade", tracking_uri(state_dir)],
        env=process.environment(env(state_dir)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise MlflowStoreError(
            f"MLflow's database cannot be made: {done.stderr.strip()[-300:]}",
            f"move {home} away and start again, or install the MLflow that wrote it",
        )
    stamp.write_text(wanted, encoding="utf-8")
