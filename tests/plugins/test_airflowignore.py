"""The plugins folder: only main.py files are loaded by Airflow's plugin loader."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

from tests.support.airflow_runs import parse_dags
from tests.support.checkout import ROOT

PLUGINS = ROOT / "plugins"


def plugin_classes(path: Path) -> list[str]:
    """Names of the classes in a file that derive from AirflowPlugin."""
    return [
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and any("AirflowPlugin" in ast.unparse(base) for base in node.bases)
    ]


def test_every_plugin_class_sits_in_a_main_py() -> None:
    found = {path: plugin_classes(path) for path in PLUGINS.rglob("*.py")}
    assert {path.name for path, names in found.items() if names} == {"main.py"}
    packages = [path.parent.name for path, names in found.items() if names]
    assert "tinyops_airflow" in packages


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What a process has loaded whose plugins folder also holds a file called serial.py."""
    home = tmp_path_factory.mktemp("plugins-home")
    plugins = home / "plugins"
    shutil.copytree(PLUGINS, plugins, ignore=shutil.ignore_patterns("__pycache__"))
    (plugins / "tinyops_airflow" / "serial.py").write_text("TRAP = True\n")
    return parse_dags(home, AIRFLOW__CORE__PLUGINS_FOLDER=str(plugins))


def test_no_file_is_registered_under_its_bare_stem(loaded: dict[str, list[str]]) -> None:
    packages = {path.name for path in PLUGINS.iterdir() if (path / "__init__.py").exists()}
    assert set(loaded["bare"]) <= {"main"} | packages
    assert "main" in loaded["bare"], "the loader did run"


def test_the_plugin_is_known_to_airflow(loaded: dict[str, list[str]]) -> None:
    assert "tinyops_airflow" in loaded["plugins"]
    assert not loaded["plugin_errors"]
