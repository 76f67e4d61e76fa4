"""Configuration files of the embedded OpenStack Swift: five processes, one replica.

Tried with swift 2.38. Values that matter are explained beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tinyops.local.ports import HOST

ACCOUNT = "tinyops"
USER = "admin"
SERVERS = ("account", "container", "object")
# Refuse writes (507, seen as 503 by clients) while some disk is left for everything else.
RESERVE_BYTES = 256 * 1024 * 1024


PORTS = "ports.json"
"""In the server's folder: its ports, from its first start on."""

SOCKETS = "sockets"
"""In the server's folder, open to its owner alone: the sockets of its account, container and object
servers."""


def home_of(state_dir: Path) -> Path:
    """Folder of the server of a state folder."""
    return state_dir / "s3"


def was_started(state_dir: Path) -> bool:
    """Whether the server of a state folder was ever started."""
    return (home_of(state_dir) / PORTS).exists()


@dataclass(frozen=True)
class SwiftPorts:
    """The TCP port of the S3 API on the loopback interface.

    The others are numbers that the rings know servers by; each stands for a socket in SOCKETS.
    """

    proxy: int
    account: int = 6202
    container: int = 6201
    object: int = 6200


@dataclass(frozen=True)
class SwiftSecrets:
    """The S3 secret key, and the salt of Swift's path hash (must never change for one store)."""

    secret_key: str
    hash_salt: str


def write_config(
    etc: Path, devices: Path, ports: SwiftPorts, secrets: SwiftSecrets, user: str
) -> None:
    """Write swift.conf and one .conf a process into `etc`, readable by the user alone."""
    common = f"""\
bind_ip = {HOST}
workers = 0
user = {user}
swift_dir = {etc}
devices = {devices}
mount_check = false
log_level = WARNING
recon_cache_path = {etc.parent / "cache"}
fallocate_reserve = {RESERVE_BYTES}
# A port that is taken is an error now, not in 30 s.
bind_timeout = 2
"""
    files = {"swift.conf": _swift_conf(secrets), "proxy.conf": _proxy(common, ports, secrets)}
    for server in SERVERS:
        files[f"{server}.conf"] = _server(common, server, getattr(ports, server))
    for name, text in files.items():
        path = etc / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")


def _swift_conf(secrets: SwiftSecrets) -> str:
    return f"""\
[swift-hash]
swift_hash_path_prefix = tinyops
swift_hash_path_suffix = {secrets.hash_salt}
[storage-policy:0]
name = default
default = yes
"""


def _server(common: str, server: str, port: int) -> str:
    # Without sharder and replicator the three servers and the updater are all that is needed.
    # A put waits this long for the listing to know it; later the updater does it. The default of
    # 1 s would make listings lag behind on a busy machine.
    wait = "container_update_timeout = 10\n" if server == "object" else ""
    # Without the updater a put made while the container server is down never shows in listings. It
    # forks for each look, 0.2 s of processor time: every 2 s that was a tenth of a core.
    updater = "[object-updater]\ninterval = 10\n" if server == "object" else ""
    return f"""\
[DEFAULT]
bind_port = {port}
{common}
[pipeline:main]
pipeline = {server}-server
[app:{server}-server]
use = egg:swift#{server}
{wait}{updater}"""


def _proxy(common: str, ports: SwiftPorts, secrets: SwiftSecrets) -> str:
    return f"""\
[DEFAULT]
bind_port = {ports.proxy}
{common}
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache listing_formats bulk s3api tempauth copy slo \
symlink versioned_writes proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
# There is no second replica to turn to: never leave out a server because it failed a while ago.
error_suppression_limit = 1000000000
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:cache]
paste.filter_factory = tinyops.local.swift_cache:filter_factory
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
s3_acl = false
[filter:tempauth]
use = egg:swift#tempauth
user_{ACCOUNT}_{USER} = {secrets.secret_key} .admin
[filter:slo]
use = egg:swift#slo
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
[filter:copy]
use = egg:swift#copy
[filter:symlink]
use = egg:swift#symlink
"""
