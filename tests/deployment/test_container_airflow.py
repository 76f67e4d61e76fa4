"""The environment of the Airflow containers: read by a real Airflow, with the paths moved here."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.deployment.test_image_files import commands
from tests.support.checkout import ROOT
from tests.support.deployment.container_files import example_variables, load_compose
from tinyops.local.airflow_settings import AirflowSecrets, settings

FERNET_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
SECRETS = {name: f"made-{name}" for name, value in example_variables().items() if not value}
SECRETS["AIRFLOW__CORE__FERNET_KEY"] = FERNET_KEY

# Where a container differs from one machine, and why.
DIFFERENT = {
    "AIRFLOW__API__BASE_URL": "published under another address than the one listened on",
    "AIRFLOW__API__HOST": "other containers come from outside",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "by the service's name",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "PostgreSQL",
}
MOVED = ("AIRFLOW_HOME", "DAGS_FOLDER", "PLUGINS_FOLDER", "PASSWORDS_FILE", "PATH")
SECRET = ("SECRET_KEY", "JWT_SECRET", "FERNET_KEY")

PROBE = """
import json, sys
from airflow.configuration import conf
from airflow.cli.cli_parser import get_parser

given = json.load(sys.stdin)
parser = get_parser()
refused = []
for words in given["commands"]:
    try:
        parser.parse_args(words)
    except SystemExit:
        refused.append(words)

unknown, values = [], {}
for name in given["options"]:
    section, option = name.removeprefix("AIRFLOW__").lower().split("__", 1)
    described = conf.configuration_description.get(section, {}).get("options", {})
    if option not in described:
        unknown.append(name)
    values[name] = conf.get(section, option)

from airflow import settings
settings.initialize()
drivers = [settings.engine.url.drivername, settings.SQL_ALCHEMY_CONN_ASYNC.split(":")[0]]

from airflow.dag_processing.dagbag import DagBag
from airflow.models.crypto import get_fernet
bag = DagBag(conf.get("core", "dags_folder"))
print("PROBE " + json.dumps({
    "refused": refused, "unknown": unknown, "values": values, "drivers": drivers,
    "fernet": get_fernet().is_encrypted, "dags": sorted(bag.dags), "errors": bag.import_errors,
}))
"""


def scheduler_environment() -> dict[str, str]:
    service = load_compose(SECRETS)["services"]["airflow-scheduler"]
    return {name: str(value) for name, value in service["environment"].items()}


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What an Airflow process makes of the containers' environment and commands."""
    home = tmp_path_factory.mktemp("container")
    env = {
        name: value.replace("/opt/tinyops", str(ROOT)).replace("/var/lib/tinyops", str(home))
        for name, value in scheduler_environment().items()
    }
    given = {
        "commands": [words[1:] for _, words in commands() if words[0] == "airflow"],
        "options": [name for name in env if name.startswith("AIRFLOW__")],
    }
    given["commands"] += [["scheduler", "--no-such-option"], ["dag-procesor"]]
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        env={"PATH": os.environ["PATH"], "HOME": str(home), **env},
        cwd=ROOT,
        input=json.dumps(given),
        capture_output=True,
        text=True,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("PROBE ")]
    assert lines, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(lines[0].removeprefix("PROBE "))
    return found


def test_airflow_knows_each_command_and_option(probe: dict[str, Any]) -> None:
    assert probe["refused"] == [["scheduler", "--no-such-option"], ["dag-procesor"]]


def test_airflow_knows_each_setting_and_reads_it(probe: dict[str, Any]) -> None:
    assert probe["unknown"] == []
    assert probe["values"]["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert probe["values"]["AIRFLOW__CORE__FERNET_KEY"] == FERNET_KEY
    assert probe["fernet"]


def test_the_drivers_of_the_database_are_installed(probe: dict[str, Any]) -> None:
    assert probe["drivers"] == ["postgresql+psycopg2", "postgresql+asyncpg"]
    from sqlalchemy import create_engine

    uri = load_compose(SECRETS)["services"]["mlflow"]["environment"]["MLFLOW_BACKEND_STORE_URI"]
    engine = create_engine(uri)
    assert (engine.driver, engine.url.host, engine.url.database) == (
        "psycopg2",
        "postgres",
        "mlflow",
    )


def test_the_dags_are_found(probe: dict[str, Any]) -> None:
    assert probe["errors"] == {}
    assert {"motor_health__ingest", "tinyops__maintain"} <= set(probe["dags"])


def test_the_settings_are_those_of_the_embedded_stack() -> None:
    container = scheduler_environment()
    secrets = AirflowSecrets("password", "fernet", "api", "jwt")
    embedded = settings(Path("/home"), ROOT, 8080, secrets)
    for name, value in embedded.items():
        if name == "PYTHONPATH" or name.endswith((*MOVED, *SECRET)) or name in DIFFERENT:
            continue
        assert container.get(name) == value, f"{name} is {value} in the embedded stack"
    extra = {name for name in container if name.startswith("AIRFLOW__")} - set(embedded)
    assert extra == set()
    for name in DIFFERENT:
        assert container[name] != embedded[name]


def test_init_prepares_in_order() -> None:
    lines = (ROOT / "docker" / "init.sh").read_text(encoding="utf-8").splitlines()
    done = [shlex.split(line)[:3] for line in lines if line and not line.startswith(("#", "set"))]
    assert done[:2] == [["airflow", "db", "migrate"], ["airflow", "pools", "import"]]
    assert done[-1][:2] == ["python", "docker/prepare.py"]
