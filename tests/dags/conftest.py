"""The parsed DAG folder, once for the session."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.airflow_runs import parse_dags


@pytest.fixture(scope="session")
def bag(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What dags/ declares for the projects of the checkout."""
    return parse_dags(tmp_path_factory.mktemp("empty-home"))
