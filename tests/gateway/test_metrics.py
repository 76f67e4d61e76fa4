"""Metrics, scraped over HTTP as Prometheus does it."""

from __future__ import annotations

import socket
import time
import urllib.request

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.gateway.gateway_bench import (
    DEVICE,
    PROJECT,
    TARGET,
    Bench,
    release,
    running,
    wait_for,
)
from tests.support.gateway.gateway_wire import CuttableWire
from tinyops.boards.image import Image
from tinyops.gateway.config import load_config
from tinyops.gateway.database import Database
from tinyops.gateway.journal import DeviceState, ImageName, Journal
from tinyops.gateway.metrics import GatewayCollector
from tinyops.gateway.service import Gateway
from tinyops.store import edge_layout, sha256_hex

pytestmark = pytest.mark.slow

GATEWAY = "tinyops_gateway_"
S3_REACHED = "last_s3_success_timestamp_seconds"


class Scrape:
    """One answer of /metrics."""

    def __init__(self, port: int) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        self.samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]

    def __call__(self, name: str, **labels: str) -> float:
        """The value of the one sample with this name and these labels."""
        (found,) = [
            sample.value
            for sample in self.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        return float(found)


@pytest.fixture
def port(bench: Bench) -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        number = int(free.getsockname()[1])
    content = yaml.safe_load(bench.config.read_text()) | {"metrics_port": number}
    bench.config.write_text(yaml.safe_dump(content))
    return number


def test_they_follow_a_device_through_a_release(bench: Bench, built: Image, port: int) -> None:
    began = time.time()
    with running(bench.gateway()):
        wait_for(lambda: serves(port), "metrics served")
        before = Scrape(port)
        release(bench.store, built)
        wait_for(lambda: bench.saw("attested", "v1"), "v1 attested")
        after = Scrape(port)
    assert before(GATEWAY + "devices", step="idle") == 1
    assert before(GATEWAY + "flashes_total", result="success") == 0
    assert before(GATEWAY + "device_info", device=DEVICE, version="") == 1
    assert after(GATEWAY + "flashes_total", device=DEVICE, result="success") == 1
    assert after(GATEWAY + "flashes_total", device=DEVICE, result="failure") == 0
    assert after(GATEWAY + "attestations_total", device=DEVICE, result="success") == 1
    assert after(GATEWAY + "flash_bytes_total", device=DEVICE) == len(built.bytes)
    assert before(GATEWAY + "flashes_last_24h", device=DEVICE) == 0
    assert after(GATEWAY + "flashes_last_24h", device=DEVICE) == 1
    assert after(GATEWAY + "flashes_per_day", device=DEVICE) == 10
    about = {"project": PROJECT, "target": TARGET, "image_sha256": sha256_hex(built.bytes)}
    assert after(GATEWAY + "device_info", device=DEVICE, version="v1", **about) == 1
    assert after(GATEWAY + "device_action_needed", device=DEVICE) == 0
    assert after(GATEWAY + "releases_current") == 1
    assert before(GATEWAY + S3_REACHED) == 0
    assert after(GATEWAY + S3_REACHED) >= began
    assert after(GATEWAY + "state_bytes") > before(GATEWAY + "state_bytes") + len(built.bytes)
    assert after("process_resident_memory_bytes") > 0


def serves(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def reached(port: int) -> float:
    return Scrape(port)(GATEWAY + S3_REACHED) if serves(port) else 0.0


def test_labels_hold_whatever_a_release_is_called(bench: Bench) -> None:
    hostile = 'v1"} 1\n# TYPE x gauge\nx{a="\\\x1b[31m</script>'
    database = Database(bench.config.parent / "gateway" / "journal.db")
    confirmed = ImageName(hostile, "ab" * 32)
    Journal(database).record(DeviceState(DEVICE, PROJECT, confirmed=confirmed))
    database.close()
    gateway = bench.gateway()
    state = load_config(bench.config).state
    collector = GatewayCollector(
        "bench",
        state,
        gateway.workers,
        gateway._journal,
        gateway._frames,
        gateway._watch,
        gateway._reserve,
    )
    registry = CollectorRegistry()
    registry.register(collector)
    families = {
        family.name: family
        for family in text_string_to_metric_families(generate_latest(registry).decode())
    }
    assert "x" not in families
    [sample] = families[GATEWAY + "device_info"].samples
    assert (sample.labels["device"], sample.labels["version"]) == (DEVICE, hostile)


def test_the_last_answer_of_s3_stands_still_while_it_is_down(
    bench: Bench, built: Image, port: int
) -> None:
    release(bench.store, built)
    endpoint = bench.store.client.meta.endpoint_url
    with (
        CuttableWire(endpoint) as wire,
        running(Gateway(load_config(bench.config), wire.store())) as gateway,
    ):
        wait_for(lambda: reached(port) > 0, "S3 reached")
        wire.cut()
        wait_for(lambda: gateway._watch.outage, "the outage seen")
        last = reached(port)
        assert Scrape(port)(GATEWAY + "releases_current") == 0
        wire.mend()
        wait_for(lambda: reached(port) > last, "S3 reached again")


def test_a_taken_port_is_a_warning(
    bench: Bench, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", port)), running(bench.gateway()):
        wait_for(lambda: "metrics_port" in caplog.text, "the warning with its fix")
        status = edge_layout.gateway_status("bench")
        wait_for(lambda: bench.store.exists(status), "served all the same")
