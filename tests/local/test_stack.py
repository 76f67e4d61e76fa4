"""The whole stack on real servers: up, a part dies, up again, down; and what it leaves alone."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tinyops.local import process
from tinyops.local.airflow import COMPONENTS, EmbeddedAirflow
from tinyops.local.airflow_client import AirflowClient, AirflowError, AirflowRefused
from tinyops.local.ports import PortTaken, free_ports
from tinyops.local.stack import REPOSITORY, Stack, StackError
from tinyops.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
TINYOPS = Path(sys.executable).with_name("tinyops")


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack of this file; its start takes a minute."""
    s3, airflow = free_ports(2)
    saved = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("AWS_E")}
    state = tmp_path_factory.mktemp("stack") / "state"
    own = Stack(state, s3_port=s3, airflow_port=airflow)
    try:
        own.up()
        yield own
    finally:
        own.down()
        os.environ.update(saved)


@pytest.fixture
def stack(own_stack: Stack) -> Stack:
    """The stack with all its parts, whatever the test before has stopped."""
    if not {"s3", "airflow", "gateway"} <= own_stack.running():
        own_stack.up()
    return own_stack


def processes_of(state: Path) -> list[psutil.Process]:
    """Live processes that mention the state folder in their command line or environment."""
    found = []
    for each in psutil.process_iter():
        try:
            about = " ".join([*each.cmdline(), *each.environ().values()])
            if str(state) in about and each.pid != os.getpid():
                found.append(each)
        except psutil.Error:
            continue
    return found


def test_everything_answers(stack: Stack) -> None:
    assert {row.name for row in stack.status() if row.state == "running"} == stack.running()
    assert {"s3", "airflow", "gateway"} <= stack.running()
    stack.require_alive()
    health = AirflowClient(stack.airflow.url, "", "").health()
    assert health["scheduler"] == health["triggerer"] == health["dag_processor"] == "healthy"


def test_airflow_knows_dags_and_pools_and_only_who_signs_in(stack: Stack) -> None:
    dags = stack.airflow.api("GET", "/api/v2/dags?limit=200")["dags"]
    assert "motor_health__ingest" in {dag["dag_id"] for dag in dags}
    pools = stack.airflow.api("GET", "/api/v2/pools")["pools"]
    wanted = json.loads((REPOSITORY / "plugins/tinyops_airflow/pools.json").read_text())
    assert {pool["name"]: pool["slots"] for pool in pools}.items() >= {
        name: pool["slots"] for name, pool in wanted.items()
    }.items()
    with pytest.raises(AirflowRefused) as caught:
        stack.airflow.api("GET", "/api/v2/dags/no_such_dag")
    assert caught.value.status == 404
    with pytest.raises(AirflowRefused) as refused:
        AirflowClient(stack.airflow.url, "admin", "wrong").api("GET", "/api/v2/dags")
    assert refused.value.status == 401


def test_nothing_is_removed_beside_a_running_airflow(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in stack.env().items():
        monkeypatch.setenv(name, value)
    words = [TINYOPS, "data", "forget", "m4", "-p", "motor_health", "--yes", "--here"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the embedded Airflow runs" in done.stderr + done.stdout
    assert "tinyops down" in done.stderr + done.stdout


def test_only_the_loopback_interface_is_listened_on(stack: Stack) -> None:
    pids = {pid for row in stack.status() for pid in row.pids}
    for pid in list(pids):
        pids |= {child.pid for child in psutil.Process(pid).children(recursive=True)}
    listening = [
        each.laddr.ip
        for each in psutil.net_connections("inet")
        if each.pid in pids and each.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 2, "S3 and Airflow; the gateway's metrics where 9464 is free"
    assert set(listening) == {"127.0.0.1"}


def test_boards_are_given_no_keys(stack: Stack) -> None:
    secret = stack.env()["AWS_SECRET_ACCESS_KEY"]
    boards = [row for row in stack.status() if row.name.startswith("board-")]
    assert boards
    for row in boards:
        environ = psutil.Process(row.pids[0]).environ()
        assert secret not in environ.values()


def test_up_again_changes_nothing_and_another_process_sees_the_same(stack: Stack) -> None:
    before = stack.status()
    Stack(stack.state_dir).up()
    assert Stack(stack.state_dir).status() == before
    assert Stack(stack.state_dir).env() == stack.env()


def test_a_dead_part_is_named_and_up_replaces_it_alone(stack: Stack) -> None:
    record = process.running(stack.run_dir, "airflow-triggerer")
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)
    while process.is_alive(record):
        time.sleep(0.01)
    (row,) = [row for row in stack.status() if row.name == "airflow"]
    assert row.state == "dead"
    assert "airflow-triggerer has ended" in row.detail
    assert row.log == str(stack.log_dir / "airflow-triggerer.log")
    with pytest.raises(StackError, match="airflow-triggerer has ended") as caught:
        stack.require_alive()
    assert "tinyops up" in caught.value.fix

    scheduler = process.running(stack.run_dir, "airflow-scheduler")
    stack.up()
    stack.require_alive()
    assert process.running(stack.run_dir, "airflow-scheduler") == scheduler


def test_down_leaves_data_and_nothing_running_and_strangers_alone(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in stack.env().items():
        monkeypatch.setenv(name, value)
    Store.from_env().put("kept", b"data")
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        stack.down(keep={"s3"})
        assert stack.running() == {"s3"}
        stack.down()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
    assert stack.running() == set()
    left = [each.cmdline() for each in processes_of(stack.state_dir)]
    assert left == []
    stack.s3.start()
    assert Store.from_env().get("kept") == b"data"


def test_taken_airflow_port_is_named_with_its_option(tmp_path: Path) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        with pytest.raises(PortTaken) as caught:
            EmbeddedAirflow(tmp_path, REPOSITORY, port).start({})
    assert f"port {port} for Airflow" in caught.value.message
    assert "--airflow-port" in caught.value.fix
    assert not any(process.recorded(tmp_path / "run", name) for name in COMPONENTS)


def test_only_one_up_or_down_at_a_time(tmp_path: Path) -> None:
    with (tmp_path / "stack.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(StackError, match="another `tinyops up`"):
            Stack(tmp_path).down()


def test_after_a_reboot_all_counts_as_stopped_and_nothing_is_signalled(tmp_path: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        identity = process.identify(stranger.pid)
        assert identity is not None
        (tmp_path / "run").mkdir()
        for name in ("s3-proxy", "airflow-scheduler", "gateway", "board-motor-health-1"):
            record = vars(identity) | {"boot_id": "the boot before"}
            (tmp_path / "run" / f"{name}.json").write_text(json.dumps(record))
        stack = Stack(tmp_path)
        assert stack.running() == set()
        assert {row.state for row in stack.status()} == {"stopped"}
        stack.down()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_an_external_s3_server_is_used_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://s3.example")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    stack = Stack(tmp_path)
    assert stack.env()["AWS_ENDPOINT_URL_S3"] == "https://s3.example"
    assert stack.env()["AWS_ACCESS_KEY_ID"] == "mine"
    assert stack.status()[0].detail == "external"


def test_no_airflow_says_where_to_look() -> None:
    (port,) = free_ports(1)
    client = AirflowClient(f"http://127.0.0.1:{port}", "admin", "x", timeout=2)
    assert client.health() == {}
    with pytest.raises(AirflowError, match=str(port)) as caught:
        client.api("GET", "/api/v2/dags")
    assert "tinyops status" in caught.value.fix
