"""A small project and recordings that fit it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.data.recording_maker import PROJECT
from tinyops.projects import Project


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Dataset files are cached below the test's folder."""
    monkeypatch.setenv("TINYOPS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def project() -> Project:
    """`motor_health` with windows of 64 samples and a salt that suits twelve machines."""
    return PROJECT
