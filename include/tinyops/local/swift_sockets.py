"""Unix sockets in place of TCP between Swift's own processes.

Swift 2.38 asks nobody who reaches an account, container or object server for a key: it expects a
network of its own. On a machine with several users the loopback interface is none. Here a server
listens on the socket `<port>.sock` in a folder that its owner alone can open, and the processes
that call it find the socket by the port that the ring names. No TCP port is opened.
"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Any


class SocketFolder:
    """The sockets of one Swift, by the ports that stand for them."""

    def __init__(self, path: Path) -> None:
        # A socket's path has at most 107 bytes, so it is named by the open folder.
        self._folder = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def address(self, port: int) -> str:
        """Path of the socket that stands for a port."""
        return f"/proc/self/fd/{self._folder}/{port}.sock"

    def listens(self, port: int) -> bool:
        """Return True if somebody accepts connections for a port."""
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1.0)
            try:
                probe.connect(self.address(port))
            except OSError:
                return False
        return True

    def close(self) -> None:
        """Close the folder; addresses are void afterwards."""
        os.close(self._folder)


def listen_on(folder: SocketFolder) -> None:
    """Make the Swift server of this process listen on its socket alone."""
    from swift.common import wsgi
    from swift.common.concurrency import socket as green

    def get_socket(conf: dict[str, Any]) -> Any:
        address = folder.address(int(conf["bind_port"]))
        Path(address).unlink(missing_ok=True)
        listener = green.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            listener.bind(address)
        finally:
            os.umask(before)
        listener.listen(int(conf.get("backlog", 4096)))
        return listener

    wsgi.get_socket = get_socket


def connect_to(folder: SocketFolder) -> None:
    """Make every request of this process to a Swift server go to that server's socket."""
    from swift.common.bufferedhttp import BufferedHTTPConnection
    from swift.common.concurrency import socket as green

    def connect(self: Any) -> None:
        self._connected_time = time.time()  # BufferedHTTPConnection reads it in its log
        line = green.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            line.connect(folder.address(int(self.port)))
        except BaseException:
            line.close()
            raise
        self.sock = line

    BufferedHTTPConnection.connect = connect
