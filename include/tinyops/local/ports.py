"""TCP ports on the loopback interface: free ones, and who sits on a taken one."""

from __future__ import annotations

import socket

from tinyops.errors import TinyOpsError

HOST = "127.0.0.1"


class PortTaken(TinyOpsError):
    """Somebody else listens on a port that was asked for."""


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses now, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((HOST, 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        # As servers do: a connection in TIME_WAIT does not make a port taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def require_free(port: int, purpose: str, option: str) -> None:
    """PortTaken, naming the port, its holder if known, and the option that chooses another."""
    if is_free(port):
        return
    who = holder(port)
    by = f" by {who}" if who else ""
    raise PortTaken(
        f"port {port} for {purpose} is taken{by}", f"end that process or choose another: {option}"
    )


def holder(port: int) -> str:
    """`name (pid N)` of the process that listens on a port; empty when it cannot be known."""
    import psutil

    try:
        connections = psutil.net_connections("tcp")
    except psutil.Error:
        return ""
    for connection in connections:
        listens = connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
        if listens and connection.pid:
            try:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
            except psutil.Error:
                return f"pid {connection.pid}"
    return ""
