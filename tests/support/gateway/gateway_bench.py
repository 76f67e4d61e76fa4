"""Images, releases, and one virtual board with its gateway; all parts are real."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import yaml

from tests.support.boards.virtual_boards import SLEEP
from tinyops.boards.catalogue import load_board
from tinyops.boards.image import HEADER_OFFSET, HEADER_SIZE, Image, image_crc
from tinyops.boards.virtual.nano33ble import Nano33Ble
from tinyops.emulation.host_parts import read_parts
from tinyops.fleet.event import Event
from tinyops.gateway.config import load_config
from tinyops.gateway.service import Gateway
from tinyops.projects import projects_folder
from tinyops.releases.keys import signing_keys
from tinyops.releases.publish import sign_and_stage
from tinyops.store import Store, edge_layout, layout, sha256_hex

TARGET = "nano33ble-sense-qemu-virtual"
PROJECT = "demo_project"
DEVICE = "bench-1"
TINY = Path(__file__).with_name("data") / "tiny.tflite"


def renamed(image: Image, version: str, content: bytes | None = None, **header: str) -> Image:
    """The same image, or other content with its header, under another version."""
    data = content or image.bytes
    unsigned = replace(image.header, version=version, image_crc32=0, **header)  # type: ignore[arg-type]
    header = replace(unsigned, image_crc32=image_crc(_with(data, unsigned.pack())))
    return Image(image.offset, _with(data, header.pack()), image.role, header)


def mute(image: Image, version: str) -> Image:
    """An image that never says HELLO: it sleeps from the start, or the host finds no program."""
    if image.header.target.endswith("-host-virtual"):
        at, silence = read_parts(image.bytes).firmware, bytes(4)
    else:
        entry = int.from_bytes(image.bytes[4:8], "little") & ~1
        at, silence = entry - image.header.load_address, SLEEP
    return renamed(image, version, image.bytes[:at] + silence + image.bytes[at + len(silence) :])


def wrong_golden(image: Image, version: str, logits: bytes) -> Image:
    """An image that expects other logits of its golden windows than its model gives."""
    assert image.bytes.count(logits) == 1
    return renamed(image, version, image.bytes.replace(logits, bytes(b ^ 1 for b in logits)))


def _with(data: bytes, header: bytes) -> bytes:
    return data[:HEADER_OFFSET] + header + data[HEADER_OFFSET + HEADER_SIZE :]


def build_tiny(board: str) -> Image:
    """Version v1 of a tiny model for a board."""
    from tests.support.image_cache import build_once
    from tinyops.conversion.images.build_request import BuildRequest
    from tinyops.frontend import Frontend, FrontendSpec

    golden = np.random.default_rng(1).integers(-128, 128, (4, 16, 1)).astype(np.int16)
    request = BuildRequest(
        tflite=TINY.read_bytes(),
        board=load_board(board),
        target=load_board(board).targets[0],
        frontend=Frontend(FrontendSpec.identity((4, 4, 1), 1 / 128, 0)),
        golden=golden,
        project=PROJECT,
        version="v1",
    )
    return build_once(request).image


def release(store: Store, *images: Image, mismatches: int = 0) -> dict[str, object]:
    """What the stages before it leave behind of one version, and then the publication."""
    for image in images:
        write_evidence(store, image, mismatches)
    return sign_and_stage(store, PROJECT, images[0].header.version)


def use_rings(*rings: float) -> None:
    """Write the rings into the project's file."""
    file = projects_folder() / PROJECT / "project.yaml"
    content = yaml.safe_load(file.read_text()) | {"rollout": {"rings": [*rings]}}
    file.write_text(yaml.safe_dump(content))


def write_evidence(store: Store, image: Image, mismatches: int = 0) -> None:
    """Sealed, as the stages do; of a model whose hash is invented."""
    seal = signing_keys().seal()
    folder = layout.release(PROJECT, image.header.version)
    sha256, target = sha256_hex(image.bytes), image.header.target
    store.put(folder + layout.image_name(target), image.bytes)
    about = {"offset": image.offset, "role": image.role, "sha256": sha256}
    seal.put_json(store, folder + layout.image_facts_name(target), about)
    model = sha256_hex(image.header.version.encode())
    fit = {"candidate": f"run-{image.header.version}", "dataset": "d1", "passed": True}
    seal.put_json(store, folder + layout.FIT, fit | {"model_sha256": model})
    proof = {"image_sha256": sha256, "windows": 8, "mismatches": mismatches, "model_sha256": model}
    seal.put_json(store, folder + layout.proof_name(target), proof)
    targets = seal.get_json_or(store, folder + layout.BENCHMARK, {"targets": {}})["targets"]
    benchmark = {"version": image.header.version, "passed": True, "targets": targets | {target: {}}}
    seal.put_json(store, folder + layout.BENCHMARK, benchmark)


@dataclass
class Bench:
    """One virtual board and the configuration of a gateway for it."""

    store: Store
    board: Nano33Ble
    config: Path
    read: dict[str, Event] = field(default_factory=dict)

    def gateway(self) -> Gateway:
        return Gateway(load_config(self.config), self.store)

    def events(self) -> list[Event]:
        """What the gateway has reported, oldest first."""
        rows = sorted(row.key for row in self.store.objects(edge_layout.gateway_events("bench")))
        for key in rows:
            if key not in self.read:
                self.read[key] = Event(**self.store.get_json(key))
        return [self.read[key] for key in rows]

    def kinds(self) -> list[tuple[str, str]]:
        return [(event.kind, event.version) for event in self.events()]

    def saw(self, kind: str, version: str) -> bool:
        return (kind, version) in self.kinds()

    def place(self, image: Image) -> None:
        """Have the board run an image, without a driver: its gateway has only to attest it."""
        self.board.flash.write(image.offset, image.bytes)
        self.board.press_reset()

    def flash(self, image: Image) -> bytes:
        """What the board's flash holds where the image goes."""
        return self.board.flash.read(image.offset, len(image.bytes))


@contextmanager
def running(gateway: Gateway) -> Iterator[Gateway]:
    """The gateway runs inside the block."""
    thread = threading.Thread(target=gateway.run)
    thread.start()
    try:
        yield gateway
    finally:
        gateway.stop()
        thread.join(30)
        assert not thread.is_alive()


def wait_for_polls(gateway: Gateway, count: int = 5) -> None:
    """Wait until the gateway has polled for releases `count` more times."""
    for _ in range(count):
        last = gateway._watch.reached_at
        wait_for(lambda last=last: gateway._watch.reached_at > last, "a poll", pause=0.01)


def wait_for(
    holds: Callable[[], bool], what: str, timeout: float = 60.0, pause: float = 0.2
) -> None:
    """Wait until something comes true; a failure names it."""
    deadline = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < deadline, f"waited {timeout:g} s in vain: {what}"
        time.sleep(pause)
