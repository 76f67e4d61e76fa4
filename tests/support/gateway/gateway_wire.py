"""A wire to the S3 server that can be cut: a TCP forwarder on a port of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import pytest

from tinyops.store import Store


class CuttableWire:
    """Forwards connections to `endpoint` until `cut`; `mend` opens the same port again."""

    def __init__(self, endpoint: str) -> None:
        there = urlsplit(endpoint)
        self._there = (str(there.hostname), int(there.port or 80))
        self._listener: socket.socket | None = None
        self._open: list[socket.socket] = []
        self._port = 0
        self.mend()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cut()

    def store(self) -> Store:
        """A store at the near end, which gives up soon."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{self._port}")
            return Store.from_env(attempts=1, timeout=3.0)

    def cut(self) -> None:
        listener, self._listener = self._listener, None
        for end in [*filter(None, [listener]), *self._open]:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._open.clear()

    def mend(self) -> None:
        listener = socket.create_server(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near = listener.accept()[0]
                far = socket.create_connection(self._there)
                self._open += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._copy, args=pair, daemon=True).start()

    @staticmethod
    def _copy(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
