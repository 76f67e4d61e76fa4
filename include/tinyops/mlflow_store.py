"""MLflow on SQLite: the tracking store and the model registry where there is no server.

MLflow migrates a new or older file whenever it opens one, and two processes that do so at once
leave it broken (MLflow 3.17: 4 of 4 tries). So whoever is about to open the file calls `prepare`
first, which migrates it once, behind a lock.
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from tinyops.environment import bare_environment
from tinyops.errors import TinyOpsError
from tinyops.private_folder import private_folder

ARTIFACT_ROOT = "_MLFLOW_SERVER_ARTIFACT_ROOT"
"""MLflow 3.17 without a server would put artifacts into ./mlruns of whatever the current folder is;
this variable, meant for its server, is the only one that says otherwise."""

_SQLITE = re.compile(r"sqlite(?:\+\w+)?:///(?P<path>[^?]+)")


class MlflowStoreError(TinyOpsError):
    """MLflow's database cannot be made."""


def tracking_uri(state_dir: Path) -> str:
    """The SQLite URI of this state folder."""
    return f"sqlite:///{_home(state_dir) / 'mlflow.db'}"


def env(state_dir: Path) -> dict[str, str]:
    """Where MLflow clients log to."""
    return {
        "MLFLOW_TRACKING_URI": tracking_uri(state_dir),
        ARTIFACT_ROOT: str(_home(state_dir) / "artifacts"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def migrate(state_dir: Path, *, here: bool = False) -> None:
    """Make or upgrade the database of a state folder; as `prepare`."""
    (private_folder(_home(state_dir)) / "artifacts").mkdir(exist_ok=True)
    prepare(tracking_uri(state_dir), here=here)


def prepare(uri: str, *, here: bool = False) -> None:
    """Make or upgrade an SQLite file that MLflow is about to open, whoever else does so now.

    Takes seconds once for each version of MLflow and is at once afterwards. A URI of anything but a
    file is left alone: a server migrates its own database.

    Parameters
    ----------
    here
        In this process, which is about to import MLflow anyway.

    Raises
    ------
    MlflowStoreError
        The file cannot be made or upgraded.
    """
    match = _SQLITE.match(uri)
    if match is None:
        return
    path = Path(match["path"]).absolute()
    stamp, wanted = path.with_name(path.name + ".migrated"), version("mlflow")
    if _is_done(path, stamp, wanted):
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_name(path.name + ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _is_done(path, stamp, wanted):
                (_migrate_here if here else _migrate)(uri, path)
                stamp.write_text(wanted, encoding="utf-8")
    except OSError as error:
        raise MlflowStoreError(
            f"MLflow's database cannot be made: {error.filename}: {error.strerror}",
            "make room for it, or name another place in MLFLOW_TRACKING_URI",
        ) from None


def _home(state_dir: Path) -> Path:
    return state_dir.resolve() / "mlflow"


def _is_done(path: Path, stamp: Path, wanted: str) -> bool:
    try:
        return path.exists() and stamp.read_text(encoding="utf-8") == wanted
    except OSError:
        return False


def _migrate_here(uri: str, path: Path) -> None:
    try:
        main(uri)
    except Exception as error:  # Alembic's, SQLAlchemy's, SQLite's or MLflow's own
        raise _failed(path, f"{type(error).__name__}: {error}") from error


def _migrate(uri: str, path: Path) -> None:
    # In a process of its own: the command line has no use for MLflow otherwise.
    library = str(Path(__file__).resolve().parents[1])
    root = os.environ.get(ARTIFACT_ROOT) or str(path.parent / "artifacts")
    variables = {ARTIFACT_ROOT: root, "MLFLOW_DISABLE_TELEMETRY": "true"}
    done = subprocess.run(
        [sys.executable, "-m", __name__, uri],
        env=bare_environment() | variables | {"PYTHONPATH": library},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise _failed(path, done.stderr.strip())


def _failed(path: Path, reason: str) -> MlflowStoreError:
    return MlflowStoreError(
        f"MLflow's database cannot be made: {reason[-300:]}",
        f"move {path} away and start again, or install the MLflow that wrote it",
    )


def main(uri: str) -> None:
    """Migrate a database, and open it once: the first to open it makes the default experiment."""
    from mlflow import MlflowClient
    from mlflow.cli import cli

    cli(["db", "upgrade", uri], standalone_mode=False)
    MlflowClient(tracking_uri=uri, registry_uri=uri).search_experiments(max_results=1)


if __name__ == "__main__":
    main(sys.argv[1])
