"""Fixtures that every room may use: a real S3 server, and a Store on a bucket of its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tinyops.local.swift import EmbeddedS3
from tinyops.store import Store


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long stories first: as the last ones they would run with one of two cores idle."""
    items.sort(key=lambda item: "integration" not in item.path.parts)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedS3]:
    """One embedded S3 server for the session (one for each pytest-xdist worker), on free ports."""
    server = EmbeddedS3(tmp_path_factory.mktemp("s3-state"), die_with_parent=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def s3_env(s3_server: EmbeddedS3) -> dict[str, str]:
    """The variables with which S3 clients and child processes find the session's server."""
    return s3_server.env()


@pytest.fixture(scope="module")
def module_store(
    s3_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """One bucket and cache for a whole module: a batch takes seconds to be taken in."""
    bucket, cache = f"test-{uuid.uuid4().hex[:12]}", tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_env.items():
            patch.setenv(name, value)
        patch.setenv("TINYOPS_BUCKET", bucket)
        patch.setenv("TINYOPS_CACHE", str(cache))
        made = Store.from_env()
        made.ensure_bucket()
        yield made


@pytest.fixture
def store(s3_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Store:
    """A Store on a fresh bucket, which Store.from_env() finds too while the test runs."""
    for name, value in s3_env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TINYOPS_BUCKET", f"test-{uuid.uuid4().hex[:12]}")
    fresh = Store.from_env()
    fresh.ensure_bucket()
    return fresh
