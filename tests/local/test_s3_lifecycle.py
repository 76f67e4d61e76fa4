"""The embedded S3 server starts, stops, comes back, and says why when it cannot."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tinyops.local import process
from tinyops.local.ports import PortTaken
from tinyops.local.swift import PROCESSES, EmbeddedS3, EmbeddedS3Error
from tinyops.local.swift_config import PORTS, SwiftPorts, SwiftSecrets, was_started, write_config
from tinyops.store import Store, StoreUnavailable

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedS3]:
    own = EmbeddedS3(tmp_path_factory.mktemp("own-s3"), die_with_parent=True)
    own.start()
    yield own
    own.stop()


@pytest.fixture
def own_store(server: EmbeddedS3, monkeypatch: pytest.MonkeyPatch) -> Store:
    server.start()
    for name, value in server.env().items():
        monkeypatch.setenv(name, value)
    return Store.from_env(attempts=2, timeout=5)


def pids(server: EmbeddedS3) -> list[int]:
    found = [process.running(server.run_dir, name) for name in PROCESSES]
    return [each.pid for each in found if each]


def test_a_folder_tells_whether_its_server_was_ever_started(
    server: EmbeddedS3, tmp_path: Path
) -> None:
    assert was_started(server.state_dir)
    assert not was_started(tmp_path)


def test_put_while_the_container_server_is_down_shows_in_listings_later(
    server: EmbeddedS3, own_store: Store
) -> None:
    own_store.put("before", b"1")
    record = process.running(server.run_dir, "s3-container")
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)
    while process.is_alive(record):
        time.sleep(0.01)
    own_store.put("meanwhile", b"2")
    assert own_store.get("meanwhile") == b"2"
    assert server.dead() == ["s3-container"]

    command = server._command("s3-container")
    process.start(command, server.run_dir, server.log_dir, die_with_parent=True)

    deadline = time.monotonic() + 60
    while not server.answers():
        assert time.monotonic() < deadline, "the container server does not come back"
        time.sleep(0.1)
    while "meanwhile" not in {row.key for row in own_store.objects("")}:
        assert time.monotonic() < deadline, "the updater never told the listing"
        time.sleep(0.2)


def test_starting_twice_changes_nothing(server: EmbeddedS3, own_store: Store) -> None:
    before = pids(server)
    server.start()
    assert pids(server) == before


def test_data_keys_and_port_survive_a_restart(server: EmbeddedS3, own_store: Store) -> None:
    own_store.put("kept", b"data")
    env = server.env()
    server.stop()
    assert pids(server) == []
    with pytest.raises(StoreUnavailable, match="does not answer"):
        own_store.get("kept")
    again = EmbeddedS3(server.state_dir, die_with_parent=True)
    again.start()
    assert again.env() == env
    assert own_store.get("kept") == b"data"


def test_killed_processes_are_replaced(server: EmbeddedS3, own_store: Store) -> None:
    own_store.put("kept", b"data")
    for pid in pids(server):
        os.kill(pid, signal.SIGKILL)
    while pids(server):
        time.sleep(0.01)
    server.start()
    assert server.dead() == []
    assert own_store.get("kept") == b"data"


def test_port_that_was_not_asked_for_and_is_taken_meanwhile_is_replaced(
    server: EmbeddedS3, own_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_store.put("kept", b"data")
    server.stop()
    taken = server.port
    assert taken is not None
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", taken))
        squatter.listen()
        server.start()
        assert server.port != taken
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.endpoint)
        assert Store.from_env().get("kept") == b"data"


def test_state_of_a_server_that_listened_on_tcp_is_taken_over(
    server: EmbeddedS3, own_store: Store
) -> None:
    own_store.put("kept", b"data")
    server.stop()
    numbers = server._read(PORTS)
    server._write(PORTS, {**numbers, "object": 41999, "memcached": 41998})
    server.start()
    assert server._read(PORTS) == numbers
    assert own_store.get("kept") == b"data"


def test_taken_port_is_named_with_its_holder_and_the_option(tmp_path: Path) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        with pytest.raises(PortTaken) as caught:
            EmbeddedS3(tmp_path, port).start()
    assert f"port {port}" in caught.value.message
    assert f"pid {os.getpid()}" in caught.value.message
    assert "--s3-port" in caught.value.fix
    assert not list((tmp_path / "run").glob("*.json"))


def test_process_that_ends_at_start_is_named_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinyops.local.swift_config._proxy", lambda *_: "[DEFAULT]\nnonsense = 1\n")
    server = EmbeddedS3(tmp_path, die_with_parent=True)
    with pytest.raises(EmbeddedS3Error, match=r"s3-proxy ended: .*proxy-server") as caught:
        server.start()
    server.stop()
    assert caught.value.fix == f"read {tmp_path}/logs/s3-proxy.log"


def test_state_that_cannot_be_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "s3").write_text("in the way")
    with pytest.raises(EmbeddedS3Error, match=f"{tmp_path}/s3") as caught:
        EmbeddedS3(tmp_path).start()
    assert "TINYOPS_STATE" in caught.value.fix


def test_full_disk_is_try_again_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The server refuses writes while less than the reserve is free; here that is always.
    monkeypatch.setattr("tinyops.local.swift_config.RESERVE_BYTES", 1 << 60)
    server = EmbeddedS3(tmp_path, die_with_parent=True)
    try:
        with pytest.raises(StoreUnavailable) as caught:
            server.start()
    finally:
        server.stop()
    assert "try again" in caught.value.fix


def test_env_before_the_first_start_says_how_to_start(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedS3Error, match="no S3 server") as caught:
        EmbeddedS3(tmp_path).env()
    assert "tinyops up" in caught.value.fix


def test_only_the_loopback_interface_is_listened_on(tmp_path: Path) -> None:
    write_config(tmp_path, tmp_path, SwiftPorts(8333), SwiftSecrets("key", "salt"), "root")
    for name in ("proxy", "account", "container", "object"):
        text = (tmp_path / f"{name}.conf").read_text()
        assert "bind_ip = 127.0.0.1" in text
        assert "0.0.0.0" not in text
