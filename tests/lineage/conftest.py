"""A cache of its own for each test, and the house's project under its name."""

from __future__ import annotations

from pathlib import Path

import pytest
from project_house import PROJECT


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Dataset files are cached, and MLflow's runs kept, below the test's folder."""
    monkeypatch.setenv("TINYOPS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TINYOPS_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("_MLFLOW_SERVER_ARTIFACT_ROOT", raising=False)
    monkeypatch.setattr("tinyops.projects.load_project", lambda name: PROJECT)
    return tmp_path
