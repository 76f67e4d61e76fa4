"""A wire to the S3 server that can be cut: a TCP forwarder on a port of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
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
        self.drip = 0.0
        """Seconds between two bytes of what the server answers; 0 for no delay."""
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

    @property
    def endpoint(self) -> str:
        """URL of the near end."""
        return f"http://127.0.0.1:{self._port}"

    def store(self) -> Store:
        """A store at the near end, which gives up soon."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL_S3", self.endpoint)
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
                for source, sink in ((near, far), (far, near)):
                    answers = source is far
                    threading.Thread(
                        target=self._copy, args=(source, sink, answers), daemon=True
                    ).start()

    def _copy(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if answers:
                    self._answer(data, sink)
                else:
                    sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _answer(self, data: bytes, sink: socket.socket) -> None:
        while self.drip and data:
            sink.sendall(data[:1])
            data = data[1:]
            time.sleep(self.drip)
        sink.sendall(data)
