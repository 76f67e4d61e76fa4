"""What the gateway says of itself and its devices: one object, written over."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from tinyops.gateway.attest import Sight
from tinyops.gateway.frame_queue import FrameQueue
from tinyops.gateway.worker import DeviceWorker


def device_status(worker: DeviceWorker, frames: FrameQueue) -> dict[str, Any]:
    """A device: where the journal has it, and what it said when it was last asked."""
    state, device = worker.state, worker.device
    return {
        "board": device.board,
        "port": device.identity.name,
        "project": device.project,
        "target": device.target,
        "state": state.step,
        "confirmed": state.confirmed.version,
        "pending": state.pending.version,
        "failures": state.failures,
        "problem": worker.full or state.problem,
        "action": worker.action,
        "flashes": worker.writer.flashes,
        "runs": _sight(worker.rest.sight),
        "frames": _frames(device.id, frames),
    }


def gateway_status(
    name: str,
    workers: list[DeviceWorker],
    frames: FrameQueue,
    problem: str,
    events_waiting: int,
    disk_problem: str,
) -> dict[str, Any]:
    """The content of status.json; `releases` is "current" or why they are not, `disk` "ok" or why
    nothing but the journal is written."""
    return {
        "gateway": name,
        "at": datetime.now(UTC).isoformat(),
        "releases": problem or "current",
        "events_waiting": events_waiting,
        "disk": disk_problem or "ok",
        "devices": {worker.device.id: device_status(worker, frames) for worker in workers},
    }


def _frames(device: str, queue: FrameQueue) -> dict[str, Any]:
    last = queue.position(device)
    return {
        "at": queue.received(device),
        "epoch": last.epoch if last else None,
        "window": last.window if last else None,
        **asdict(queue.counts(device)),
    }


def _sight(sight: Sight | None) -> dict[str, Any] | None:
    if sight is None:
        return None
    hello, decision = sight.hello, sight.decision
    return {
        "project": hello.image.project,
        "version": hello.image.version,
        "target": hello.image.target,
        "chip_id": hello.chip_id,
        "image_crc32": f"{hello.image.image_crc32:08x}",
        "boot_ok": hello.boot_ok,
        "faults": hello.faults,
        "bad_frames": hello.bad_frames,
        "windows": decision.windows,
        "last_class": decision.last_class,
        "confidence": decision.confidence,
        "counts": list(decision.counts),
    }
