"""What goes wrong between a bucket and a board, and how the gateway comes out of it."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.support.gateway.gateway_bench import (
    DEVICE,
    PROJECT,
    TARGET,
    Bench,
    release,
    renamed,
    running,
    wait_for,
    wait_for_polls,
)
from tests.support.gateway.gateway_wire import CuttableWire
from tinyops.boards.image import Image
from tinyops.gateway.config import load_config
from tinyops.gateway.service import Gateway
from tinyops.releases import paths
from tinyops.store import edge_layout, sha256_hex

pytestmark = pytest.mark.slow


@pytest.fixture
def at_v1(bench: Bench, built: Image) -> Bench:
    """A bench whose board has attested v1; its gateway is stopped."""
    bench.place(built)
    release(bench.store, built)
    with running(bench.gateway()):
        wait_for(lambda: bench.saw("attested", "v1"), "v1 attested")
    return bench


def test_a_tampered_image_is_refused_and_the_old_firmware_stays(at_v1: Bench, built: Image) -> None:
    second = renamed(built, "v2")
    release(at_v1.store, second)
    key = edge_layout.tuf_target(paths.image(PROJECT, "v2", TARGET), sha256_hex(second.bytes))
    at_v1.store.put(key, second.bytes[:-1] + b"!")
    with running(at_v1.gateway()):
        wait_for(lambda: at_v1.saw("refused", "v2"), "the tampered image refused")
        assert at_v1.flash(built) == built.bytes
        assert ("flashing", "v2") not in at_v1.kinds()
        at_v1.store.put(key, second.bytes)
        wait_for(lambda: at_v1.saw("attested", "v2"), "the repaired image attested")
    assert at_v1.kinds().count(("refused", "v2")) == 1


def test_replayed_metadata_is_refused_and_the_new_firmware_stays(
    at_v1: Bench, built: Image
) -> None:
    key = edge_layout.tuf_metadata(edge_layout.TUF_TIMESTAMP)
    old = at_v1.store.get(key)
    second = renamed(built, "v2")
    release(at_v1.store, second)
    with running(at_v1.gateway()) as gateway:
        wait_for(lambda: at_v1.saw("attested", "v2"), "v2 attested")
        at_v1.store.put(key, old)
        wait_for(lambda: "refused" in dict(at_v1.kinds()), "old metadata refused")
        wait_for_polls(gateway)
    refused = [event for event in at_v1.events() if event.kind == "refused"]
    assert len(refused) == 1
    assert "BadVersionNumberError" in refused[0].detail
    assert at_v1.flash(second) == second.bytes


def test_a_board_that_is_away_is_reported_once_and_served_when_it_is_back(
    at_v1: Bench, built: Image
) -> None:
    at_v1.board.unplug()
    with running(at_v1.gateway()) as gateway:
        wait_for(lambda: at_v1.saw("error", "v1"), "the absence reported")
        release(at_v1.store, renamed(built, "v2"))
        wait_for_polls(gateway)
        at_v1.board.plug()
        wait_for(lambda: at_v1.saw("attested", "v2"), "v2 attested")
    assert [kind for kind, _ in at_v1.kinds()].count("error") == 1


def test_events_wait_while_s3_is_down_and_arrive_afterwards(at_v1: Bench, built: Image) -> None:
    endpoint = at_v1.store.client.meta.endpoint_url
    with CuttableWire(endpoint) as wire:
        store = wire.store()
        with running(Gateway(load_config(at_v1.config), store)) as gateway:
            second = renamed(built, "v2")
            release(at_v1.store, second)
            wait_for(lambda: gateway.workers[0].state.step == "flashing", "v2 on its way")
            wire.cut()
            done = gateway.workers[0]
            wait_for(lambda: done.state.confirmed.version == "v2", "v2 attested without S3")
            assert not at_v1.saw("attested", "v2")
            wire.mend()
            wait_for(lambda: at_v1.saw("attested", "v2"), "the event sent")
    tail = [kind for kind in at_v1.kinds() if kind[1] == "v2"]
    assert tail == [("flashing", "v2"), ("flashed", "v2"), ("attested", "v2")]


def test_a_second_gateway_on_the_same_state_is_refused(bench: Bench) -> None:
    from tinyops.gateway.errors import GatewayError

    with running(bench.gateway()), pytest.raises(GatewayError, match="another gateway"):
        bench.gateway()


def test_images_of_devices_that_left_and_halves_of_downloads_go_at_the_next_start(
    at_v1: Bench,
) -> None:
    images = at_v1.config.parent / "gateway" / "images"
    (mine,) = images.iterdir()
    (images / f"{'0' * 64}.bin.part").write_bytes(b"half")
    gateway = at_v1.gateway()
    assert list(images.iterdir()) == [mine]
    gateway.stop()
    gateway.run()
    at_v1.config.write_text(at_v1.config.read_text().replace(DEVICE, "another-1"))
    gateway = at_v1.gateway()
    assert list(images.iterdir()) == []
    gateway.stop()
    gateway.run()


def test_a_lost_state_folder_is_no_loss(at_v1: Bench, built: Image) -> None:
    shutil.rmtree(at_v1.config.parent / "gateway")
    with running(at_v1.gateway()) as gateway:
        second = renamed(built, "v2")
        release(at_v1.store, second)
        wait_for(lambda: at_v1.saw("attested", "v2"), "v2 attested")
        assert gateway.workers[0].device.id == DEVICE


def test_the_gateway_loads_nothing_heavy() -> None:
    heavy = "{'tensorflow', 'airflow', 'mlflow', 'pandas', 'pyarrow', 'scipy', 'sklearn', 'numpy'}"
    code = (
        "import sys, tinyops.gateway.service, tinyops.boards.drivers.samba_nano, tinyops.store,"
        "tinyops.gateway.metrics, tinyops.cli.main; tinyops.cli.main.build_app();"
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
