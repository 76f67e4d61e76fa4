"""The parsed DAG folder, and an Airflow home with a real database, once for the session."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.airflow_runs import airflow_env, migrate, parse_dags


@pytest.fixture(scope="session")
def bag(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What dags/ declares for the projects of the checkout."""
    return parse_dags(tmp_path_factory.mktemp("empty-home"))


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a migrated database and the pools."""
    home = tmp_path_factory.mktemp("airflow-home")
    migrate(airflow_env(home))
    return home
