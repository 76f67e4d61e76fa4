"""Frames as gateways upload them, and the release that they belong to."""

from __future__ import annotations

import binascii
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tinyops.monitoring.frame_inbox import FrameFile
from tinyops.sketches.frames import FrameRecord, SketchFrame, encode_records, tag_byte
from tinyops.store import Store, edge_layout, layout

PROJECT, VERSION, TAG, MODEL = "motor_health", "v1", "0123456789ab", "ab" * 32
GATEWAY, DEVICE, EPOCH, N = "line-3", "press-7", 1_790_000_000, 64
# One moment for all frames of a run of the tests: they may go on over midnight.
NOW = datetime.now(UTC)
TODAY = f"{NOW:%Y-%m-%d}"

SKETCH = SketchFrame(
    model=0xAB,
    reference=tag_byte(TAG),
    window=0,
    n=N,
    flags=0,
    histograms=((8,) * 8,) * 3,
    out_of_range=(0, 1, 0),
    confidence=(8,) * 8,
    classes=(16, 16, 16, 16, 0, 0, 0, 0),
)


def release(store: Store, version: str = VERSION, tag: str = TAG) -> None:
    """As much of a release as the gate of frames looks at."""
    reference = {
        "tag": tag,
        "model_sha256": MODEL,
        "labels": ["a", "b", "c", "d"],
        "monitoring": {"frame_windows": N},
    }
    store.put_json(layout.release(PROJECT, version) + layout.REFERENCE, reference)


def record(number: int = 0, sketch: SketchFrame = SKETCH, **changes: Any) -> FrameRecord:
    """The frame `number` of an epoch, received now; `changes` are fields of FrameRecord."""
    window = number * N
    made = FrameRecord(
        project=PROJECT,
        gateway=GATEWAY,
        device=DEVICE,
        board="nano33ble-sense",
        target="nano33ble-sense-qemu-virtual",
        version=VERSION,
        model_sha256=MODEL,
        reference_tag=TAG,
        epoch=EPOCH,
        window=window,
        received_at=NOW.isoformat(),
        virtual=True,
        frame=replace(sketch, window=window % 2**16).pack(),
    )
    return replace(made, **changes)


def damaged(frame: bytes, at: int = 20, crc: bool = False) -> bytes:
    """A frame with one byte changed; with `crc`, its checksum is right again."""
    changed = bytearray(frame)
    changed[at] ^= 0x41
    if crc:
        changed[-2:] = binascii.crc_hqx(bytes(changed[:-2]), 0).to_bytes(2, "little")
    return bytes(changed)


def list_devices(store: Store, gateway: str, devices: Iterable[str]) -> None:
    """Add devices to those that a gateway's status lists."""
    key = edge_layout.gateway_status(gateway)
    content = store.get_json_or(key, {"gateway": gateway, "devices": {}})
    new = {device: {"project": PROJECT} for device in devices} | content["devices"]
    store.put_json(key, content | {"at": datetime.now(UTC).isoformat(), "devices": new})


def send(
    store: Store, records: list[FrameRecord], seq: int = 1, date: str = "", gateway: str = GATEWAY
) -> FrameFile:
    """Put records into S3 as a gateway does, which has listed their devices in its status."""
    list_devices(store, gateway, {record.device for record in records})
    file = FrameFile(date or TODAY, gateway, seq)
    store.put(file.key(PROJECT), encode_records(records))
    return file
