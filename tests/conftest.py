"""Fixtures that every room may use: a real S3 server, and a Store on a bucket of its own."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.airflow_runs import AirflowProcess, migrate
from tests.support.module_times import module_times
from tests.support.prepared_buckets import Prepared, PreparedBuckets
from tinyops.local.swift import EmbeddedS3
from tinyops.store import Store


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long stories first: as the last ones they would run with one of two cores idle."""
    items.sort(key=lambda item: "integration" not in item.path.parts)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Where the time went; what pytest-xdist's workers do is reported to the controller."""
    reports = [
        report
        for outcome in ("passed", "failed", "skipped", "error", "")
        for report in terminalreporter.stats.get(outcome, ())
        if isinstance(report, pytest.TestReport)
    ]
    durations = [(report.nodeid.partition("::")[0], report.duration) for report in reports]
    if sum(seconds for _, seconds in durations) > 60:
        terminalreporter.section("seconds by folder and file")
        for line in module_times(durations):
            terminalreporter.write_line(line)


@pytest.fixture(scope="session", autouse=True)
def image_folder(worker_folder: Path) -> None:
    """One folder of built images for all workers of the session."""
    os.environ["TINYOPS_TEST_IMAGES"] = str(worker_folder / "built-images")


@pytest.fixture
def images_built_once() -> Iterator[None]:
    """For tests that need images and are not about building them: see `image_cache`."""
    from tests.support.image_cache import built_once

    with built_once():
        yield


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedS3]:
    """One embedded S3 server for the session (one for each pytest-xdist worker), on free ports."""
    server = EmbeddedS3(tmp_path_factory.mktemp("s3-state"), die_with_parent=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def worker_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all pytest-xdist workers of this session share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def airflow(
    tmp_path_factory: pytest.TempPathFactory, worker_folder: Path
) -> Iterator[AirflowProcess]:
    """An Airflow home with a migrated database and the pools, and the process that runs DAGs."""
    process = AirflowProcess(tmp_path_factory.mktemp("airflow-home"))
    migrate(process.env(), worker_folder)
    yield process
    process.close()


@pytest.fixture(scope="session")
def s3_env(s3_server: EmbeddedS3) -> dict[str, str]:
    """The variables with which S3 clients and child processes find the session's server."""
    return s3_server.env()


@pytest.fixture(scope="session")
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A state folder with development keys, for tests that have no other."""
    return os.environ.get("TINYOPS_STATE") or str(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="module")
def module_store(
    s3_env: dict[str, str], state_folder: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """One bucket and cache for a whole module: a batch takes seconds to be taken in."""
    bucket, cache = f"test-{uuid.uuid4().hex[:12]}", tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_env.items():
            patch.setenv(name, value)
        patch.setenv("TINYOPS_BUCKET", bucket)
        patch.setenv("TINYOPS_CACHE", str(cache))
        patch.setenv("TINYOPS_STATE", os.environ.get("TINYOPS_STATE", state_folder))
        made = Store.from_env()
        made.ensure_bucket()
        yield made


@pytest.fixture
def store(s3_env: dict[str, str], state_folder: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A Store on a fresh bucket, which Store.from_env() finds too while the test runs."""
    for name, value in s3_env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TINYOPS_STATE", os.environ.get("TINYOPS_STATE", state_folder))
    monkeypatch.setenv("TINYOPS_BUCKET", f"test-{uuid.uuid4().hex[:12]}")
    fresh = Store.from_env()
    fresh.ensure_bucket()
    return fresh


@pytest.fixture(scope="session")
def prepared_buckets() -> PreparedBuckets:
    """Buckets that are filled once a session (once for each pytest-xdist worker)."""
    return PreparedBuckets()


@pytest.fixture
def prepared(
    prepared_buckets: PreparedBuckets,
    s3_env: dict[str, str],
    state_folder: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Prepared:
    """`prepared(fill)`: the bucket that `fill` fills, as it left it, and what it returned."""
    for name, value in s3_env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TINYOPS_STATE", os.environ.get("TINYOPS_STATE", state_folder))
    return lambda fill: prepared_buckets.open(fill, monkeypatch)
