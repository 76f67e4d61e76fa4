"""Another user of the machine reaches no object of the embedded S3 server, and no file of it."""

from __future__ import annotations

import http.client
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.support.other_user import as_nobody
from tinyops.local import process
from tinyops.local.airflow_settings import ensure_secrets
from tinyops.local.swift import PROCESSES, EmbeddedS3
from tinyops.local.swift_cache import ProxyCache
from tinyops.local.swift_config import SERVERS, SOCKETS, SwiftPorts
from tinyops.private_folder import private_folder
from tinyops.releases.keys import make_keys
from tinyops.store import Store


def pids(server: EmbeddedS3) -> set[int]:
    records = [process.running(server.run_dir, name) for name in PROCESSES]
    own = {record.pid for record in records if record}
    return own | {each.pid for pid in own for each in psutil.Process(pid).children(recursive=True)}


@contextmanager
def opened(folder: Path) -> Iterator[None]:
    """Folders above `folder` that pytest made for its own user alone, open to all."""
    closed = [each for each in folder.parents if not each.stat().st_mode & 0o001]
    modes = [(each, each.stat().st_mode) for each in closed]
    try:
        for each in closed:
            each.chmod(0o755)
        yield
    finally:
        for each, mode in modes:
            each.chmod(mode)


def status_of(port: int, method: str, path: str, headers: dict[str, str]) -> int:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        line.request(method, path, body=b"forged" if method == "PUT" else None, headers=headers)
        return line.getresponse().status
    finally:
        line.close()


def test_the_s3_api_is_the_only_port(s3_server: EmbeddedS3) -> None:
    listening = [
        (each.laddr.ip, each.laddr.port)
        for each in psutil.net_connections("inet")
        if each.pid in pids(s3_server) and each.status == psutil.CONN_LISTEN
    ]
    assert len(pids(s3_server)) >= len(PROCESSES)
    assert listening == [("127.0.0.1", s3_server.port)]


def test_servers_behind_the_api_cannot_be_reached(s3_server: EmbeddedS3, store: Store) -> None:
    store.put("secret", b"1")
    home, numbers = s3_server.state_dir / "s3", SwiftPorts(0)
    sockets = [home / SOCKETS / f"{getattr(numbers, server)}.sock" for server in SERVERS]
    assert all(path.is_socket() for path in sockets)

    def attempt() -> list[str]:
        reached = []
        for path in sockets:
            with socket.socket(socket.AF_UNIX) as line:
                try:
                    os.chdir(path.parent)
                    line.connect(path.name)
                    reached.append(str(path))
                except PermissionError:
                    pass
        for server in SERVERS:
            with socket.socket() as line:
                if line.connect_ex(("127.0.0.1", getattr(numbers, server))) == 0:
                    reached.append(server)
        for path in (home, home / "etc", home / "devices", s3_server.run_dir, s3_server.log_dir):
            with suppress(PermissionError):
                reached += map(str, path.iterdir())
        return reached

    with opened(s3_server.state_dir / "s3"):
        assert as_nobody(attempt) == []
    assert store.get("secret") == b"1"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
def test_the_api_answers_nobody_without_the_key(
    s3_server: EmbeddedS3, store: Store, method: str
) -> None:
    store.put("secret", b"1")
    port = int(s3_server.port or 0)
    tries = [
        (f"/{store.bucket}/secret", {}),
        (f"/v1/AUTH_tinyops/{store.bucket}/secret", {}),
        (f"/v1/AUTH_tinyops/{store.bucket}/secret", {"X-Auth-Token": "AUTH_tkinvented"}),
        (f"/v1/AUTH_tinyops/{store.bucket}/secret", {"X-Backend-Allow-Reserved-Names": "true"}),
        ("/auth/v1.0", {"X-Auth-User": "tinyops:admin", "X-Auth-Key": "wrong"}),
        # As if it spoke to the object server itself.
        (f"/d1/1/AUTH_tinyops/{store.bucket}/secret", {"X-Timestamp": "1.0"}),
    ]
    found = as_nobody(lambda: [status_of(port, method, path, more) for path, more in tries])
    assert all(status >= 400 for status in found), dict(zip(tries, found, strict=True))
    assert store.get("secret") == b"1"


def test_folders_and_keys_are_their_owners(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir(mode=0o755)
    assert private_folder(old).stat().st_mode & 0o777 == 0o700
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    assert private_folder(shared).stat().st_mode & 0o7777 == 0o1777, "everybody's folder"
    (tmp_path / "keys").mkdir(mode=0o755)
    keys = make_keys(tmp_path / "keys")
    secret = {path.name for path in keys.path.iterdir() if path.suffix in (".pem", ".key")}
    assert secret == {
        *(f"{r}.pem" for r in ("root", "targets", "snapshot", "timestamp")),
        "evidence.key",
    }
    assert {(keys.path / name).stat().st_mode & 0o777 for name in secret} == {0o600}
    ensure_secrets(tmp_path / "airflow")
    for path in (tmp_path / "airflow").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600, path
    for folder in ("keys", "airflow"):
        assert (tmp_path / folder).stat().st_mode & 0o777 == 0o700


def test_the_proxys_cache_forgets_as_memcached_does(monkeypatch: pytest.MonkeyPatch) -> None:
    cache, now = ProxyCache(entries=2), 1_000_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    given = {"status": 200, "meta": {}}
    cache.set("a", given, time=60, raise_on_error=True)
    cache.get("a")["status"] = 404
    assert cache.get("a", raise_on_error=True) == given
    now += 61
    assert cache.get("a") is None
    cache.set("b", 1)
    cache.set("c", b"text")
    assert cache.get("b") == 1
    cache.set("d", [now, "group"], time=now + 5)
    assert (cache.get("b"), cache.get("c"), cache.get("d")) == (1, None, [now, "group"])
    assert (cache.incr("n", 3), cache.decr("n", 5), cache.incr("n")) == (3, 0, 1)
    cache.set_multi({"x": 1, "y": 2}, "server")
    assert cache.get_multi(["x", "z", "y"], "server") == [1, None, 2]
    cache.delete("x")
    assert cache.get("x") is None
