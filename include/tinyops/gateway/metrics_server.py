"""Where Prometheus scrapes the gateway: /metrics on the loopback interface."""

from __future__ import annotations

from typing import Self

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.registry import Collector

from tinyops.gateway.errors import GatewayError

LOOPBACK = "127.0.0.1"


class MetricsServer:
    """Serves /metrics on the loopback interface until `close`.

    Raises
    ------
    GatewayError
        The port is taken.
    """

    def __init__(self, port: int, collector: Collector) -> None:
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(collector)
        try:
            self._server, self._thread = start_http_server(port, LOOPBACK, registry)
        except OSError as error:
            raise GatewayError(
                f"{LOOPBACK}:{port}: {error.strerror}",
                "give metrics_port another number, or 0 for none",
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
