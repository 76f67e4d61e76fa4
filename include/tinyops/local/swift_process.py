"""Entry of one Swift process: `python -m tinyops.local.swift_process <kind> <conf>`.

Swift's own commands log to syslog and some look for swift.conf in the system folder; this one logs
to standard error and takes the folder of the configuration file. Account, container and object
server listen on sockets of the owner's, see `swift_sockets`; the proxy alone has a TCP port.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from tinyops.local.swift_config import SERVERS, SOCKETS
from tinyops.local.swift_sockets import SocketFolder, connect_to, listen_on


class _NoSyslog(logging.NullHandler):
    """Stands in for Swift 2.38's syslog handler, which falls back to UDP port 514."""

    def __init__(self, *_args: object, **_kwargs: object) -> None:
        super().__init__()


def run(kind: str, conf: Path) -> int:
    """Run one server, or the object updater, until a signal ends it."""
    from swift.common.utils import logs, set_swift_dir

    logs.ThreadSafeSysLogHandler = _NoSyslog
    set_swift_dir(str(conf.parent))
    sockets = SocketFolder(conf.parent.parent / SOCKETS)
    connect_to(sockets)
    if kind in SERVERS:
        listen_on(sockets)
    if kind == "updater":
        from swift.common.daemon import run_daemon
        from swift.obj.updater import ObjectUpdater

        run_daemon(ObjectUpdater, str(conf), verbose=True)
        return 0
    from swift.common.wsgi import run_wsgi

    return int(run_wsgi(str(conf), f"{kind}-server", verbose=True))


def write_rings(etc: Path, ports: dict[str, int]) -> None:
    """Write account, container and object rings: 16 partitions, one replica, one device `d1`."""
    from swift.common.ring import RingBuilder

    for server, port in ports.items():
        builder = RingBuilder(4, 1, 0)
        builder.add_dev(
            {
                "region": 1,
                "zone": 1,
                "ip": "127.0.0.1",
                "port": port,
                "device": "d1",
                "weight": 1.0,
            }
        )
        builder.rebalance(seed="tinyops")
        builder.get_ring().save(str(etc / f"{server}.ring.gz"))


def main(argv: list[str]) -> int:
    """Dispatch: `rings <etc> account=1 container=2 object=3`, or `<server|updater> <conf>`."""
    kind, path = argv[0], Path(argv[1])
    if kind == "rings":
        pairs = (pair.split("=") for pair in argv[2:])
        write_rings(path, {name: int(port) for name, port in pairs})
        return 0
    return run(kind, path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
