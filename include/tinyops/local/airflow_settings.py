"""Airflow's settings for one machine, all by environment so that no airflow.cfg has to be edited.

Checked with Airflow 3.3.2. What is not said here is Airflow's default.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from tinyops.local.ports import HOST
from tinyops.private_folder import private_folder

USERNAME = "admin"


@dataclass(frozen=True)
class AirflowSecrets:
    """Made at first start; new ones would log everybody out and lose encrypted connections."""

    password: str
    fernet_key: str
    api_key: str
    jwt_secret: str


def read_secrets(home: Path) -> AirflowSecrets | None:
    """The secrets of this Airflow home; None before the first start."""
    try:
        return AirflowSecrets(**json.loads(_secrets_path(home).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def ensure_secrets(home: Path) -> AirflowSecrets:
    """The secrets of this Airflow home, made (mode 0600) at the first call."""
    private_folder(home)
    known = read_secrets(home)
    if known is None:
        known = AirflowSecrets(
            password=secrets.token_urlsafe(12),
            fernet_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            api_key=secrets.token_hex(32),
            jwt_secret=secrets.token_hex(32),
        )
        _write_private(_secrets_path(home), asdict(known))
    # The simple auth manager keeps passwords that it finds here and would print one it makes.
    _write_private(_passwords_path(home), {USERNAME: known.password})
    return known


def settings(home: Path, repository: Path, port: int, known: AirflowSecrets) -> dict[str, str]:
    """Environment variables for every Airflow process.

    Parameters
    ----------
    home
        AIRFLOW_HOME: database, task logs, generated airflow.cfg.
    repository
        The folder that holds dags/, plugins/ and include/.
    port
        Of the API server and the web pages, on the loopback interface.
    """
    url = f"http://{HOST}:{port}"
    options = {
        "core": {
            "dags_folder": str(repository / "dags"),
            "plugins_folder": str(repository / "plugins"),
            "load_examples": "False",
            # A new project folder is a working use case, not one more switch to find.
            "dags_are_paused_at_creation": "False",
            # 32, the default, would let 32 tasks import TensorFlow at once: 22 GB.
            "parallelism": "4",
            "executor": "LocalExecutor",
            "simple_auth_manager_users": f"{USERNAME}:admin",
            "simple_auth_manager_passwords_file": str(_passwords_path(home)),
            "fernet_key": known.fernet_key,
            "execution_api_server_url": f"{url}/execution/",
        },
        "database": {"sql_alchemy_conn": f"sqlite:///{database_path(home)}"},
        "api": {"host": HOST, "port": str(port), "base_url": url, "secret_key": known.api_key},
        "api_auth": {"jwt_secret": known.jwt_secret},
        # A task starts when the loop comes round. Six empty tasks in a row, warm, two busy cores:
        # 7 s with the default of 1 s, 3.5 to 5 s with this; 0.05 more of a core while idle.
        "scheduler": {
            "scheduler_idle_sleep_time": "0.25",
            # Tasks that ran when the machine went down are queued again after this, not 300 s.
            "orphaned_tasks_check_interval": "30",
        },
        # New project folders become DAGs within these; each pass costs a few CPU seconds.
        "dag_processor": {"refresh_interval": "60", "min_file_process_interval": "60"},
    }
    env = {
        f"AIRFLOW__{section.upper()}__{option.upper()}": value
        for section, values in options.items()
        for option, value in values.items()
    }
    python_path = [str(repository / "include"), *_inherited("PYTHONPATH")]
    return env | {
        "AIRFLOW_HOME": str(home),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), *_inherited("PATH")]),
        "PYTHONPATH": os.pathsep.join(python_path),
        # TensorFlow writes a page about CPU features into every task log otherwise.
        "TF_CPP_MIN_LOG_LEVEL": "2",
        # Read when it is imported.
        "GX_ANALYTICS_ENABLED": "false",
    }


def database_path(home: Path) -> Path:
    """Airflow's metadata database."""
    return home / "airflow.db"


def _inherited(name: str) -> list[str]:
    value = os.environ.get(name)
    return [value] if value else []


def _secrets_path(home: Path) -> Path:
    return home / "secrets.json"


def _passwords_path(home: Path) -> Path:
    return home / "passwords.json"


def _write_private(path: Path, content: dict[str, str]) -> None:
    part = path.with_suffix(".part")
    part.touch(mode=0o600)
    part.chmod(0o600)
    part.write_text(json.dumps(content), encoding="utf-8")
    part.replace(path)
