"""Credentials of a task's environment do not stand in its log, whoever prints them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.airflow_runs import SCRIPTS, airflow_env, answer_of
from tests.support.checkout import ROOT
from tinyops.environment import secret_values

CARELESS = """
import logging, os
from airflow.sdk import dag, task

print("while parsed:", os.environ.get("AWS_SECRET_ACCESS_KEY"))

@task
def careless():
    print("printed", dict(os.environ))
    os.system("echo by a child $AWS_SECRET_ACCESS_KEY")
    logging.getLogger("project").info("logged %s", os.environ["AWS_SECRET_ACCESS_KEY"])
    raise ValueError("raised " + os.environ["AWS_SECRET_ACCESS_KEY"])

@dag(dag_id="careless", schedule=None)
def flow():
    careless()

flow()
"""
SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "s3cret-of-the-store",
    "AWS_SESSION_TOKEN": "/t0ken+of/a=session",
    "AIRFLOW__CORE__FERNET_KEY": "f3rnet-of-airflow",
    "AIRFLOW__API_AUTH__JWT_SECRET": "jwt-s3cret",
    "MLFLOW_TRACKING_PASSWORD": "ml-pa55word",
    "TINYOPS_SOME_KEY": "k3y-of-'tinyops'-with-\\-in-\"it",
    "TINYOPS_PEM_KEY": "-----BEGIN PRIVATE KEY-----\nbGluZSBvZiBhIGtleQ==\n-----END",
}
URLS = {
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": ("postgresql://tinyops:db%2Fpa55@h/db", "db%2Fpa55"),
    "MLFLOW_TRACKING_URI": ("https://ml:tr4ck@ck@mlflow:5000", "tr4ck@ck"),
    "AIRFLOW_CONN_X": ('{"conn_type": "http", "password": "c0nn-pa55"}', "c0nn-pa55"),
}
SHOWN = {
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:8333",
    "AWS_DEFAULT_REGION": "us-east-1",
    "TINYOPS_SIGNING_KEYS": str(ROOT),
    "TINYOPS_BUCKET": "tinyops",
    "SOME_TOKEN_SECONDS": "86400",
    "SOME_KEY_ENABLED": "false",
    "SHORT_KEY": "abc",
}


def test_what_is_hidden() -> None:
    given = SECRETS | {name: value for name, (value, _) in URLS.items()} | SHOWN
    hidden = secret_values(given)
    lines = SECRETS["TINYOPS_PEM_KEY"].splitlines()
    assert {*SECRETS.values(), *(secret for _, secret in URLS.values()), lines[1]} <= {*hidden}
    assert "db/pa55" in hidden, "as a library may decode it"
    assert not [value for value in SHOWN.values() for one in hidden if one in value]
    assert hidden == sorted(hidden, key=len, reverse=True)


@pytest.mark.slow
def test_no_credential_stands_in_a_tasks_log(tmp_path: Path) -> None:
    dags, log = tmp_path / "dags", tmp_path / "task.log"
    dags.mkdir()
    (dags / "careless.py").write_text(CARELESS)
    own = {name: value for name, value in SECRETS.items() if not name.startswith("AIRFLOW__")}
    own |= SHOWN | {"AIRFLOW_CONN_X": URLS["AIRFLOW_CONN_X"][0]}
    env = airflow_env(tmp_path / "home", AIRFLOW__CORE__DAGS_FOLDER=str(dags), **own)
    answer = answer_of(
        SCRIPTS / "supervise_task.py",
        *("careless.py", "careless", "careless", str(log)),
        env=env,
        answer=tmp_path / "answer.json",
    )
    text = log.read_text()
    assert answer["status"] == 0, "the supervisor itself"
    for said in ("while parsed: ***", "by a child ***", "logged ***", "raised ***", "printed {"):
        assert said in text, said
    assert "k3y-of" not in text, "nor as Python writes it"
    told = [json.loads(line) for line in text.splitlines()]
    assert any("'TINYOPS_BUCKET': 'tinyops'" in str(line.get("event")) for line in told)
    for secret in own.keys() & SECRETS.keys():
        for line in SECRETS[secret].splitlines():
            assert len(line) < 16 or line not in text, secret
    assert URLS["AIRFLOW_CONN_X"][1] not in text
