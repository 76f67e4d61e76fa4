"""The scripts in docker/, run for real as far as that goes without a container."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.deployment.container_files import load_compose
from tinyops.gateway.config import load_config
from tinyops.local import ports
from tinyops.local.swift import EmbeddedS3
from tinyops.releases.keys import KeyFolder, make_keys
from tinyops.store import Store, edge_layout

DOCKER = ROOT / "docker"
GATEWAY = DOCKER / "gateway.yaml"
MONITOR = {"scheduler": {"status": "healthy"}, "triggerer": {"status": "unhealthy"}}


def run(script: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(DOCKER / script), *arguments]
    return subprocess.run(command, env=os.environ | more, capture_output=True, text=True)


@pytest.fixture
def prepared(tmp_path: Path, store: Store) -> dict[str, str]:
    for folder in ("auth", "keys", "trust"):
        (tmp_path / folder).mkdir()
    return {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(tmp_path / "auth/passwords.json"),
        "AIRFLOW_ADMIN_PASSWORD": "correct horse",
        "MLFLOW_BUCKET": f"{store.bucket}-mlflow",
        "TINYOPS_SIGNING_KEYS": str(tmp_path / "keys"),
        "TINYOPS_TRUSTED_ROOT": str(tmp_path / "trust/root.json"),
    }


def test_prepare_makes_what_the_services_need_and_may_be_repeated(
    prepared: dict[str, str], store: Store
) -> None:
    for _ in range(2):
        done = run("prepare.py", **prepared)
        assert done.returncode == 0, done.stderr
    buckets = {each["Name"] for each in store.client.list_buckets()["Buckets"]}
    assert {store.bucket, prepared["MLFLOW_BUCKET"]} <= buckets
    keys = KeyFolder(Path(prepared["TINYOPS_SIGNING_KEYS"]))
    assert keys.signer("targets") is not None
    root = Path(prepared["TINYOPS_TRUSTED_ROOT"])
    assert root.read_bytes() == keys.root_path.read_bytes()
    passwords = Path(prepared["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    assert json.loads(passwords.read_text()) == {"admin": "correct horse"}
    assert passwords.stat().st_mode & 0o777 == 0o600
    assert "correct horse" not in done.stdout + done.stderr


def test_prepare_leaves_own_keys_alone(prepared: dict[str, str]) -> None:
    keys = make_keys(Path(prepared["TINYOPS_SIGNING_KEYS"]))
    (keys.path / "root.pem").unlink()  # kept offline
    before = keys.root_path.read_bytes()
    assert run("prepare.py", **prepared).returncode == 0
    assert Path(prepared["TINYOPS_TRUSTED_ROOT"]).read_bytes() == before
    assert not (keys.path / "root.pem").exists()


@pytest.fixture
def monitor() -> Iterator[str]:
    """A server that answers as Airflow's monitor does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(MONITOR).encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_health_of_a_component(monitor: str) -> None:
    assert run("health.py", monitor, "scheduler").returncode == 0
    sick = run("health.py", monitor, "triggerer")
    assert (sick.returncode, sick.stderr.strip()) == (1, "triggerer: unhealthy")


def test_health_of_an_address(s3_server: EmbeddedS3) -> None:
    assert run("health.py", f"{s3_server.endpoint}/healthcheck").returncode == 0
    refused = run("health.py", f"{s3_server.endpoint}/no-such-bucket")
    assert refused.returncode == 1
    silent = run("health.py", f"http://127.0.0.1:{ports.free_ports(1)[0]}/")
    assert silent.returncode == 1
    assert "refused" in silent.stderr


@pytest.mark.parametrize(("age", "status"), [(5, 0), (300, 1)])
def test_health_of_the_gateway(store: Store, age: int, status: int) -> None:
    at = datetime.now(UTC) - timedelta(seconds=age)
    name = load_config(GATEWAY).name
    store.put_json(edge_layout.gateway_status(name), {"at": at.isoformat()})
    assert run("gateway_health.py", str(GATEWAY)).returncode == status


def test_a_gateway_that_never_reported_is_not_healthy(store: Store) -> None:
    silent = run("gateway_health.py", str(GATEWAY))
    assert silent.returncode == 1
    assert "Traceback" not in silent.stderr


def test_gateway_board_and_volumes_agree() -> None:
    config = load_config(GATEWAY)
    (device,) = config.devices
    script = (DOCKER / "gateway.sh").read_text(encoding="utf-8")
    services = load_compose()["services"]
    mounted = [volume.split(":")[1] for volume in services["gateway"]["volumes"]]
    assert f"--link {device.port} " in script
    assert f"virtual-board {device.board} --project {device.project} " in script
    assert str(config.state.parent) in mounted
    assert str(config.trusted_root.parent) in mounted
    assert services["init"]["environment"]["TINYOPS_TRUSTED_ROOT"] == str(config.trusted_root)
    assert str(Path(device.port).parent) in services["gateway"]["tmpfs"]


BOARD = """#!/bin/sh
case $1 in
virtual-board) env >"$OUT/board"; echo $$ >"$OUT/pid"; exec sleep 60 ;;
gateway)
    echo "$*" >"$OUT/gateway"; env >>"$OUT/gateway"
    until [ -s "$OUT/pid" ]; do sleep 0.02; done  # the board starts beside it
    $GATEWAY ;;
esac
"""


def start_gateway(folder: Path, gateway: str) -> subprocess.Popen[bytes]:
    program = folder / "tinyops"
    program.write_text(BOARD)
    program.chmod(0o755)
    env = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "OUT": str(folder),
        "GATEWAY": gateway,
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    return subprocess.Popen(["bash", str(DOCKER / "gateway.sh")], env=env, cwd=ROOT)


def has_ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_the_board_ends_with_the_gateway_and_has_no_keys(tmp_path: Path) -> None:
    # A stand-in for tinyops: what is tested is who starts, ends and sees what.
    running = start_gateway(tmp_path, "exit 3")
    assert running.wait(timeout=30) == 3
    assert has_ended(int((tmp_path / "pid").read_text()))
    assert "AWS_" not in (tmp_path / "board").read_text()
    assert "AWS_SECRET_ACCESS_KEY=secret" in (tmp_path / "gateway").read_text()
    assert (tmp_path / "gateway").read_text().startswith("gateway run --config docker/gateway.yaml")


def test_a_stop_ends_both(tmp_path: Path) -> None:
    running = start_gateway(tmp_path, "sleep 60")
    deadline = time.monotonic() + 30
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=30) == 0
    assert has_ended(int((tmp_path / "pid").read_text()))
