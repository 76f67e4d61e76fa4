"""Fixtures: a cache for each test, and the project of project_house under its name."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.retention.project_house import PROJECT
from tinyops.releases.keys import make_keys
from tinyops.store import Store

PLACES = {"TINYOPS_CACHE": "cache", "TINYOPS_STATE": "state"}


@pytest.fixture(autouse=True)
def own_places(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Dataset files are cached, and MLflow's runs kept, below the test's folder."""
    _settle(monkeypatch, tmp_path, tmp_path_factory)
    return tmp_path


@pytest.fixture(scope="module")
def shared_store(
    s3_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """A bucket that the tests of a file share; they look and change nothing."""
    with pytest.MonkeyPatch.context() as patch:
        _settle(patch, tmp_path_factory.mktemp("shared"), tmp_path_factory)
        for name, value in s3_env.items():
            patch.setenv(name, value)
        patch.setenv("TINYOPS_BUCKET", f"test-{uuid.uuid4().hex[:12]}")
        store = Store.from_env()
        store.ensure_bucket()
        yield store


def _settle(
    patch: pytest.MonkeyPatch, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # Of the session: candidates lie in buckets that are filled once.
    keys = make_keys(tmp_path_factory.getbasetemp() / "signing-keys")
    patch.setenv("TINYOPS_SIGNING_KEYS", str(keys.path))
    for name, place in PLACES.items():
        patch.setenv(name, str(folder / place))
    patch.delenv("MLFLOW_TRACKING_URI", raising=False)
    patch.delenv("_MLFLOW_SERVER_ARTIFACT_ROOT", raising=False)
    patch.setattr("tinyops.projects.load_project", lambda name: PROJECT)
