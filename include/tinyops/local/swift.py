"""The embedded S3 server: OpenStack Swift with its S3 API, on one port of the loopback interface.

Every request on that port needs the key. The servers behind it have no port, see `swift_sockets`.
"""

from __future__ import annotations

import json
import os
import pwd
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tinyops.errors import TinyOpsError
from tinyops.local import ports, process
from tinyops.local.process import Command
from tinyops.local.swift_config import (
    ACCOUNT,
    PORTS,
    SERVERS,
    SOCKETS,
    USER,
    SwiftPorts,
    SwiftSecrets,
    home_of,
    write_config,
)
from tinyops.local.swift_sockets import SocketFolder
from tinyops.private_folder import private_folder

PROCESSES = (
    "s3-account",
    "s3-container",
    "s3-object",
    "s3-updater",
    "s3-proxy",
)


class EmbeddedS3Error(TinyOpsError):
    """The embedded S3 server cannot run here."""


class EmbeddedS3:
    """One S3 server whose data, keys, ports, logs and pid records live below `state_dir`.

    Parameters
    ----------
    state_dir
        Made if absent. Data in `s3/`, records in `run/`, logs in `logs/`.
    port
        Of the S3 API. None: the port of the last time, or a free one.
    bucket
        Made at start.
    die_with_parent
        For tests: the processes end with the caller, however it dies.
    """

    def __init__(
        self,
        state_dir: Path,
        port: int | None = None,
        *,
        bucket: str = "tinyops",
        die_with_parent: bool = False,
    ) -> None:
        self.state_dir = state_dir.resolve()
        self.bucket = bucket
        self.run_dir = self.state_dir / "run"
        self.log_dir = self.state_dir / "logs"
        self._wanted_port = port
        self._die_with_parent = die_with_parent
        self._home = home_of(self.state_dir)
        self._etc = self._home / "etc"
        self._devices = self._home / "devices"
        self._sockets = self._home / SOCKETS

    @property
    def port(self) -> int | None:
        """The port of the S3 API; None before the first start."""
        known = self._read(PORTS)
        return known["proxy"] if known else None

    @property
    def endpoint(self) -> str:
        """The URL of the S3 API."""
        return f"http://{ports.HOST}:{self.port}"

    def env(self) -> dict[str, str]:
        """The variables with which every S3 client finds this server."""
        known = self._read("secrets.json")
        if not known or self.port is None:
            raise EmbeddedS3Error(f"no S3 server in {self.state_dir}", "start it with `tinyops up`")
        return {
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_ACCESS_KEY_ID": f"{ACCOUNT}:{USER}",
            "AWS_SECRET_ACCESS_KEY": known["secret_key"],
            "AWS_DEFAULT_REGION": "us-east-1",
            "TINYOPS_BUCKET": self.bucket,
        }

    def start(self, timeout: float = 60.0) -> None:
        """Start what does not run yet and wait until it answers; harmless when all is up.

        Raises
        ------
        EmbeddedS3Error
            The file system has no extended attributes, or a process died.
        PortTaken
            Somebody else listens on the port that was asked for.
        """
        if not self.dead() and self._wanted_port in (None, self.port):
            self._wait(timeout)
            return
        self.stop()
        self.require_port()
        self._prepare()
        self._choose_ports()
        for name in PROCESSES:
            process.start(
                self._command(name),
                self.run_dir,
                self.log_dir,
                die_with_parent=self._die_with_parent,
            )
        self._wait(timeout)
        self._ensure_bucket()

    def require_port(self) -> None:
        """PortTaken when somebody else listens on the port that was asked for."""
        ours = process.running(self.run_dir, "s3-proxy") and self._wanted_port == self.port
        if self._wanted_port is not None and not ours:
            ports.require_free(self._wanted_port, "the S3 server", "--s3-port or TINYOPS_S3_PORT")

    def stop(self) -> None:
        """End all processes, the proxy first so that no request is cut in two."""
        process.stop_all(self.run_dir, PROCESSES[::-1])

    def dead(self) -> list[str]:
        """Names of the processes that do not run."""
        return [name for name in PROCESSES if not process.running(self.run_dir, name)]

    def answers(self) -> bool:
        """Whether the S3 API, and each server behind it, is reachable."""
        known = self._read(PORTS)
        if not known or not self._servers_listen(SwiftPorts(known["proxy"])):
            return False
        try:
            with urllib.request.urlopen(f"{self.endpoint}/healthcheck", timeout=2) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def _servers_listen(self, known: SwiftPorts) -> bool:
        try:
            sockets = SocketFolder(self._sockets)
        except OSError:
            return False
        try:
            return all(sockets.listens(getattr(known, server)) for server in SERVERS)
        finally:
            sockets.close()

    def _prepare(self) -> None:
        try:
            for folder in (self._home, self._sockets):
                private_folder(folder)
            for folder in (self._etc, self._devices / "d1", self._home / "cache"):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EmbeddedS3Error(
                f"{error.filename}: {error.strerror}",
                "make room for a folder there, or choose another state folder (TINYOPS_STATE)",
            ) from None
        probe = self._home / ".attributes"
        try:
            probe.touch()
            os.setxattr(probe, "user.tinyops", b"1")
        except OSError as error:
            raise EmbeddedS3Error(
                f"{self._home}: no extended attributes here ({error.strerror})",
                "put the state folder on ext4, xfs or btrfs (TINYOPS_STATE), or set "
                "AWS_ENDPOINT_URL_S3 to another S3 server",
            ) from None
        if not self._read("secrets.json"):
            # The salt places every object: a new one would lose all that is stored.
            self._write(
                "secrets.json",
                asdict(SwiftSecrets(secrets.token_urlsafe(30), secrets.token_hex(16))),
            )

    def _choose_ports(self) -> None:
        known = self._read(PORTS) or {}
        port = self._wanted_port or int(known.get("proxy", 0))
        if self._wanted_port is None and not (port and ports.is_free(port)):
            (port,) = ports.free_ports(1)
        chosen = SwiftPorts(port)
        secrets = SwiftSecrets(**self._read("secrets.json"))
        write_config(self._etc, self._devices, chosen, secrets, _user_name())
        missing = any(not (self._etc / f"{server}.ring.gz").exists() for server in SERVERS)
        if missing or any(known.get(server) != getattr(chosen, server) for server in SERVERS):
            self._make_rings([f"{server}={getattr(chosen, server)}" for server in SERVERS])
        self._write(PORTS, asdict(chosen))

    def _make_rings(self, rings: list[str]) -> None:
        # In a process of its own: Swift brings eventlet, which has no place in the caller.
        made = subprocess.run(
            [*_module("rings"), str(self._etc), *rings],
            env=process.environment({}),
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            raise EmbeddedS3Error(
                f"Swift's rings cannot be made: {made.stderr.strip()[-300:]}", "run `make setup`"
            )

    def _command(self, name: str) -> Command:
        kind = name.removeprefix("s3-")
        conf = self._etc / ("object.conf" if kind == "updater" else f"{kind}.conf")
        # Eventlet 0.41 warns at every start that it is deprecated.
        return Command(name, [*_module(kind), str(conf)], {"PYTHONWARNINGS": "ignore"})

    def _wait(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not self.answers():
            for name in self.dead():
                log = process.log_path(self.log_dir, name)
                last = " | ".join(process.last_lines(log, 3))
                raise EmbeddedS3Error(f"{name} ended: {last or 'no output'}", f"read {log}")
            if time.monotonic() > deadline:
                raise EmbeddedS3Error(
                    f"S3 at {self.endpoint} does not answer after {timeout:.0f} s",
                    f"read {self.log_dir}/s3-*.log",
                )
            time.sleep(0.05)

    def _ensure_bucket(self) -> None:
        import boto3
        from botocore.config import Config

        from tinyops.store import Store

        env = self.env()
        client = boto3.Session().client(
            "s3",
            endpoint_url=env["AWS_ENDPOINT_URL_S3"],
            aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
            region_name=env["AWS_DEFAULT_REGION"],
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 3}),
        )
        Store(client, self.bucket).ensure_bucket()

    def _read(self, name: str) -> Any:
        try:
            return json.loads((self._home / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def _write(self, name: str, content: Any) -> None:
        part = self._home / f"{name}.part"
        part.touch(mode=0o600)
        part.write_text(json.dumps(content), encoding="utf-8")
        part.replace(self._home / name)


def _module(kind: str) -> list[str]:
    return [sys.executable, "-m", "tinyops.local.swift_process", kind]


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        raise EmbeddedS3Error(
            f"user id {os.getuid()} has no name in /etc/passwd, and Swift wants one",
            "add the user, or set AWS_ENDPOINT_URL_S3 to another S3 server",
        ) from None
