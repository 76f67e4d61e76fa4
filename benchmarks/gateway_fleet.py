"""Many boards on one gateway: flashed all at once, and the same boards one at a time.

The gateway is a process of its own, and so is each virtual board; lines and flash are paced. Time
counts from the first board's `flashing` to the last one's `attested` in what the gateway reports,
so neither its start nor its download is in it. One at a time means a gateway for each board, one
after the other, their times added. Memory is PSS (shared pages counted once) of the gateway and
whatever it starts, such as esptool.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import yaml

from benchmarks.gateway_footprint import pss, released
from benchmarks.virtual_devices import TINYOPS, VirtualDevice, built, padded
from tinyops.boards.image import Image
from tinyops.boards.virtual import BOARDS
from tinyops.fleet.event import Event
from tinyops.store import Store, edge_layout

SECONDS = 600.0
LOOK = 0.2


@dataclass(frozen=True)
class Run:
    """A gateway from its first `flashing` to its last `attested`; CPU time from its start."""

    seconds: float
    cpu_seconds: float
    pss_peak_mb: float


def fleet(folder: Path, of_each: int, size: int) -> dict[str, Any]:
    """Flash `of_each` boards of every kind with images of `size` bytes, in both ways."""
    from tests.support.gateway.gateway_bench import release

    images = {board: built(board) for board in BOARDS}

    def version(name: str) -> list[Image]:
        return [padded(image, size, name) for image in images.values()]

    with released(folder, *version("v1")) as store, plugged_in(folder, of_each) as devices:
        together = run(folder, store, "together", devices, "v1")
        release(store, *version("v2"))
        alone = [
            run(folder, store, f"alone-{number}", [device], "v2")
            for number, device in enumerate(devices)
        ]
    seconds = sum(each.seconds for each in alone)
    return {
        "fleet_boards": len(devices),
        "fleet_image_bytes": size,
        "boards_a_minute_together": round(60 * len(devices) / together.seconds, 1),
        "boards_a_minute_one_at_a_time": round(60 * len(devices) / seconds, 1),
        "together_seconds": round(together.seconds, 1),
        "one_at_a_time_seconds": round(seconds, 1),
        "together_cpu_seconds": round(together.cpu_seconds, 1),
        "together_pss_peak_mb": round(together.pss_peak_mb, 1),
        "one_at_a_time_pss_peak_mb": round(max(each.pss_peak_mb for each in alone), 1),
    }


@contextmanager
def plugged_in(folder: Path, of_each: int) -> Iterator[list[VirtualDevice]]:
    """Running virtual boards of every kind, paced."""
    with ExitStack() as stack:
        devices = []
        for number in range(of_each):
            for board in BOARDS:
                devices.append(VirtualDevice(board, folder / f"{board}-{number}", paced=True))
                stack.callback(devices[-1].stop)
        for device in devices:
            device.await_start()
        yield devices


def run(
    folder: Path, store: Store, name: str, devices: Sequence[VirtualDevice], version: str
) -> Run:
    """One gateway until all its devices have attested a version."""
    path = configuration(folder, name, devices)
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        gateway = psutil.Popen(
            [*TINYOPS, "gateway", "run", "--config", path], stdout=output, stderr=output
        )
    try:
        peak, deadline = 0.0, time.monotonic() + SECONDS
        while confirmed(store, name) != [version] * len(devices):
            if gateway.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"not all attested: {log.read_text()[-2000:]}")
            peak = max(peak, family_pss(gateway))
            time.sleep(LOOK)
        cpu = gateway.cpu_times()
    finally:
        gateway.terminate()
        gateway.wait()
    used = cpu.user + cpu.system + cpu.children_user + cpu.children_system
    return Run(flash_seconds(store, name), used, peak)


def configuration(folder: Path, name: str, devices: Sequence[VirtualDevice]) -> Path:
    """The file of a gateway with these devices; a command presses RESET where a finger would."""
    from tests.support.gateway.gateway_bench import PROJECT

    rows = []
    for device in devices:
        row: dict[str, Any] = {"id": device.port.name, "board": device.board.name}
        row |= {"port": str(device.port), "project": PROJECT}
        if device.board.protocol.reset == "button":
            pid = shlex.quote(str(device.pid_file))
            row["reset_command"] = ["sh", "-c", f'kill -USR1 "$(cat {pid})"']
        rows.append(row)
    path = folder / f"{name}.yaml"
    content = {"name": name, "state": f"{name}.state", "poll_seconds": 1, "metrics_port": 0}
    path.write_text(yaml.safe_dump(content | {"devices": rows}))
    return path


def family_pss(gateway: psutil.Process) -> float:
    """Of a process and all that it has started, in MB."""
    total = 0.0
    for process in (gateway, *gateway.children(recursive=True)):
        try:
            total += pss(process.pid)
        except (OSError, TypeError):  # it has ended
            continue
    return total


def confirmed(store: Store, name: str) -> list[str]:
    """The version that each device of a gateway has attested; empty before its first status."""
    status = store.get_json_or(edge_layout.gateway_status(name), {"devices": {}})
    return [row["confirmed"] for row in status["devices"].values()]


def flash_seconds(store: Store, name: str) -> float:
    """From a gateway's first `flashing` to its last `attested`."""
    rows = store.objects(edge_layout.gateway_events(name))
    events = [Event(**store.get_json(row.key)) for row in rows]
    began = [datetime.fromisoformat(event.at) for event in events if event.kind == "flashing"]
    ended = [datetime.fromisoformat(event.at) for event in events if event.kind == "attested"]
    return (max(ended) - min(began)).total_seconds()
