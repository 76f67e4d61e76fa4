"""How fast boards are flashed; writes benchmarks/results/flashing.json.

Boards are virtual, each a process of its own, and run what they are flashed with; every flash is
attested and compared with the image. Three questions. Without pacing: a driver's time over that of
the vendor's tool, same board, same image, by turns. With pacing: the share of a driver's time that
the board's line and flash take at the very least (see line_limits.py). And many boards on one
gateway: all at once, and one at a time.

From the call to the running application, but for the Himax without pacing: from its RESET on, which
a person presses before the vendor's tool is started. Needs a quiet machine: see load_average.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.gateway_fleet import fleet
from benchmarks.line_limits import least_seconds
from benchmarks.report import Report, options
from benchmarks.vendor_tools import NOT_HERE, Tool, tools
from benchmarks.virtual_devices import VirtualDevice, built, padded
from tinyops.boards.drivers.esptool import FAST_BAUD
from tinyops.boards.flashing import flash
from tinyops.boards.image import Image

SIZES = (100_000, 500_000)
PAIRS = 25
PACED_SIZE = 200_000
PACED = (
    ("sparkfun-edge2", 460800),
    ("sparkfun-edge2", 921600),
    ("nano33ble-sense", 0),
    ("himax-we1-plus", 115200),
    ("esp-eye", FAST_BAUD),
)
"""Boards, and the speed of their line; 0 for USB."""
FLEET_SIZE = 100_000


def driver_seconds(device: VirtualDevice, image: Image, from_reset: bool = False) -> float:
    """Flash a board by its driver; it is pressed RESET when the driver asks for it."""
    began = time.perf_counter()

    def press(what: str) -> None:
        nonlocal began
        if from_reset:
            began = time.perf_counter()
        device.press_reset()

    flash(str(device.port), image, device.board, ask=press)
    seconds = time.perf_counter() - began
    device.attest(image)
    return seconds


def tool_seconds(device: VirtualDevice, image: Image, tool: Tool, file: Path) -> float:
    """Flash a board by its vendor's tool."""
    file.write_bytes(image.bytes)
    began = time.perf_counter()
    tool(device, file)
    seconds = time.perf_counter() - began
    device.attest(image)
    return seconds


def beside_tools(folder: Path, pairs: int) -> dict[str, dict[str, float]]:
    """Medians of driver and tool for each board and size, and of the pairs' ratios."""
    found = {}
    for board, tool in tools().items():
        image, file = built(board), folder / f"{board}.bin"
        with VirtualDevice(board, folder / f"beside-{board}", paced=False) as device:
            for size in SIZES:
                seconds: dict[str, list[float]] = {"driver": [], "tool": []}
                for pair in range(pairs):
                    ours = padded(image, size, f"ours-{size}-{pair}")
                    theirs = padded(image, size, f"theirs-{size}-{pair}")
                    seconds["driver"].append(driver_seconds(device, ours, from_reset=True))
                    seconds["tool"].append(tool_seconds(device, theirs, tool, file))
                medians = {who: statistics.median(each) for who, each in seconds.items()}
                # Of neighbours in time: the speed of a shared machine drifts within a run.
                medians["ratio"] = statistics.median(
                    ours / theirs for ours, theirs in zip(*seconds.values(), strict=True)
                )
                found[f"{board}, {tool.__name__}, {size // 1000} kB"] = rounded(medians)
    return found


def paced(folder: Path) -> dict[str, dict[str, float]]:
    """Seconds of each driver on a paced board, the least possible, and its share."""
    found = {}
    for board, baud in PACED:
        image = padded(built(board), PACED_SIZE)
        name = f"{board}, {baud} baud" if baud else f"{board}, USB"
        port = folder / f"paced-{board}-{baud}"
        with VirtualDevice(board, port, paced=True, baud=baud) as device:
            seconds = driver_seconds(device, image)
        least = least_seconds(board, image.bytes, baud)
        found[name] = rounded({"driver": seconds, "least": least, "share": least / seconds})
    return found


def rounded(figures: dict[str, float]) -> dict[str, float]:
    """To milliseconds and tenths of a per cent."""
    return {name: round(value, 3) for name, value in figures.items()}


def main() -> None:
    """Measure and write benchmarks/results/flashing.json."""
    quick = options(__doc__).quick
    report = Report("flashing", quick)
    load = os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="tinyops-bench-") as name:
        folder = Path(name)
        beside = beside_tools(folder, 1 if quick else PAIRS)
        alone = paced(folder)
        together = fleet(folder, of_each=1 if quick else 4, size=FLEET_SIZE)
    report.figures = {
        "beside_the_vendors_tool": beside,
        "vendors_tools_not_here": ", ".join(NOT_HERE),
        "paced": alone,
        "paced_image_bytes": PACED_SIZE,
        **together,
        "load_average": [round(value, 1) for value in load],
    }
    check(report)
    report.finish()


def check(report: Report) -> None:
    """Hold the figures to their limits."""
    figures: dict[str, Any] = report.figures
    for name, row in figures["beside_the_vendors_tool"].items():
        report.at_most(f"driver over vendor's tool, no pacing: {name}", row["ratio"], 1.3)
    for name, row in figures["paced"].items():
        # The least time of packed content leaves out all that esptool does around it.
        if not name.startswith("esp-eye"):
            report.at_least(f"share of line and flash in a flash: {name}", row["share"], 0.9)
    faster = figures["boards_a_minute_together"] / figures["boards_a_minute_one_at_a_time"]
    boards = figures["fleet_boards"]
    report.at_least(f"{boards} boards at once, times as fast as one at a time", faster, boards / 4)


if __name__ == "__main__":
    main()
