"""What a gateway needs: room on disk, memory while it works, wheels for 64-bit ARM.

Installs the `gateway` extra alone into a fresh environment and runs the gateway from there against
the embedded S3 server, with a virtual board that this process serves: it flashes, attests, collects
frames and is scraped. Memory is PSS (shared pages counted once) and, as the kernel counts it, the
resident peak, of the gateway's process; the flashing tool that ESP boards need is measured apart.
Needs a package index, so it is no part of the tests.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from benchmarks.report import Report, options
from tinyops.boards.image import Image
from tinyops.boards.virtual.nano33ble import Nano33Ble
from tinyops.boards.virtual.sensor import VirtualSensor
from tinyops.local.ports import free_ports
from tinyops.local.swift import EmbeddedS3
from tinyops.store import Store, edge_layout

ROOT = Path(__file__).resolve().parents[1]

UV = Path(sys.executable).with_name("uv")
MB = 1e6
FRAMES = 20
SECONDS = 180.0
SOURCE_ONLY = ("esptool", "reedsolo")
"""Plain Python that its authors publish without wheels: installs anywhere."""


class Noise:
    """Random samples without end."""

    def __init__(self) -> None:
        self._noise = np.random.default_rng(5)

    def read(self, frames: int) -> NDArray[np.int16]:
        return self._noise.integers(-140, 140, (frames, 1)).astype(np.int16)

    def restart(self) -> None:
        """Goes on."""


def uv(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run uv in the project's folder."""
    return subprocess.run([UV, *arguments], cwd=ROOT, capture_output=True, text=True, check=True)


def installed(folder: Path, *options: str) -> Path:
    """The site-packages of a fresh environment with the gateway extra alone."""
    source = folder / "source"  # setuptools leaves a build folder behind
    source.mkdir(parents=True)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "include" / "tinyops", source / "include" / "tinyops")
    uv("venv", "--allow-existing", "--python", sys.executable, folder)
    python = folder / "bin" / "python"
    uv("pip", "install", "--python", python, *options, f"{source}[gateway]")
    [packages] = folder.glob("lib/*/site-packages")
    return packages


def megabytes(folder: Path) -> float:
    """Size of all files below, links not followed."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()) / MB


def largest(packages: Path, count: int = 8) -> dict[str, float]:
    """The largest entries, in MB."""
    sizes = {path.name: megabytes(path) for path in packages.iterdir() if path.is_dir()}
    most = sorted(sizes.items(), key=lambda item: -item[1])[:count]
    return {name: round(size, 1) for name, size in most}


def arm_wheels() -> int:
    """How many packages the extra resolves to on 64-bit ARM, all as wheels but SOURCE_ONLY."""
    source = [word for name in SOURCE_ONLY for word in ("--no-binary", name)]
    done = uv(
        *("pip", "compile", "-q", "--no-header", "--no-annotate"),
        *("--python-platform", "aarch64-unknown-linux-gnu", "--python-version", "3.11"),
        *("--only-binary", ":all:", *source, "--extra", "gateway", "pyproject.toml"),
    )
    return len(done.stdout.split())


def pss(pid: int) -> float:
    """Proportional set size of a process, in MB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+) kB", text, re.M)[1]) * 1024 / MB  # type: ignore[index]


def resident_peak(pid: int) -> float:
    """The most resident memory that a process has had, in MB."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^VmHWM:\s+(\d+) kB", text, re.M)[1]) * 1024 / MB  # type: ignore[index]


@contextmanager
def released(folder: Path, *images: Image) -> Iterator[Store]:
    """An S3 server of its own, in which the images of one version are released."""
    from tests.support.gateway.gateway_bench import PROJECT, release

    example = ROOT / "include" / "projects" / "motor_health" / "project.yaml"
    project = folder / "projects" / PROJECT / "project.yaml"
    project.parent.mkdir(parents=True)
    content = yaml.safe_load(example.read_text()) | {"name": PROJECT}
    project.write_text(yaml.safe_dump(content))
    server = EmbeddedS3(folder / "s3", die_with_parent=True)
    server.start()
    try:
        os.environ |= server.env() | {
            "TINYOPS_PROJECTS": str(folder / "projects"),
            "TINYOPS_STATE": str(folder / "stack"),
        }
        store = Store.from_env()
        release(store, *images)
        yield store
    finally:
        server.stop()


def configuration(folder: Path, port: Path, metrics: int) -> Path:
    """The gateway's file."""
    from tests.support.gateway.gateway_bench import DEVICE, PROJECT

    device = {"id": DEVICE, "board": "nano33ble-sense", "port": str(port), "project": PROJECT}
    content = {
        "name": "bench",
        "trusted_root": str(folder / "stack" / "keys" / "root.json"),
        "poll_seconds": 1,
        "watch_seconds": 1,
        "frame_seconds": 1,
        "metrics_port": metrics,
        "devices": [device],
    }
    path = folder / "gateway.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def watched(python: Path, config: Path, store: Store, metrics: int) -> dict[str, float]:
    """Run the gateway until it has sent FRAMES frames; its memory in MB."""
    from tests.support.gateway.gateway_bench import DEVICE

    keys = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    env = keys | {"TINYOPS_BUCKET": store.bucket, "PATH": os.defpath}
    command = [python, "-m", "tinyops.cli.main", "gateway", "run", "--config", config]
    with subprocess.Popen(command, env=env, cwd=config.parent) as gateway:
        peak, deadline = 0.0, time.monotonic() + SECONDS
        try:
            while sent(store, DEVICE) < FRAMES:
                if gateway.poll() is not None or time.monotonic() > deadline:
                    sys.exit("the gateway has not collected its frames")
                peak = max(peak, pss(gateway.pid))
                time.sleep(0.2)
            with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics") as answer:
                answer.read()
            peak, resident = max(peak, pss(gateway.pid)), resident_peak(gateway.pid)
        finally:
            gateway.terminate()
    return {"pss_peak_mb": round(peak, 1), "resident_peak_mb": round(resident, 1)}


def sent(store: Store, device: str) -> int:
    """Frames that the gateway says S3 has; 0 before its first status."""
    status = store.get_json_or(edge_layout.gateway_status("bench"), {"devices": {}})
    return int(status["devices"].get(device, {}).get("frames", {}).get("sent", 0))


def tool_peak(python: Path) -> float:
    """The resident peak of esptool once it has loaded everything, in MB."""
    code = (
        "import resource, subprocess, sys;"
        "subprocess.run([sys.executable, '-m', 'esptool', 'version'], check=True, "
        "stdout=subprocess.DEVNULL);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return round(int(done.stdout) * 1024 / MB, 1)


def memory(folder: Path, python: Path) -> dict[str, float]:
    """The gateway's memory over a whole release, in MB."""
    from tests.support.chip import HOP, request
    from tests.support.gateway.gateway_bench import PROJECT
    from tinyops.conversion.images.image import build_image

    image = build_image(request(project=PROJECT), folder / "image").image
    port = folder / "ttyVIRTUAL0"
    [metrics] = free_ports(1)
    sensor = VirtualSensor(Noise(), rate_hz=100.0 * HOP)
    with released(folder, image) as store, Nano33Ble(port, folder / "board", sensor):
        return watched(python, configuration(folder, port, metrics), store, metrics)


def measure() -> dict[str, Any]:
    """Sizes and memory in MB."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain = installed(folder / "plain")
        python = folder / "plain" / "bin" / "python"
        figures: dict[str, Any] = {
            "installed_mb": round(megabytes(plain), 1),
            "largest_mb": largest(plain),
            "installed_with_bytecode_mb": round(
                megabytes(installed(folder / "compiled", "--compile-bytecode")), 1
            ),
            "frames": FRAMES,
            **memory(folder, python),
            "esptool_resident_peak_mb": tool_peak(python),
            "arm_packages": arm_wheels(),
            "without_wheels": list(SOURCE_ONLY),
        }
    return figures


def main() -> None:
    """Measure and write benchmarks/results/gateway_footprint.json."""
    report = Report("gateway_footprint", options(__doc__).quick)
    report.figures = figures = measure()
    used, size = figures["pss_peak_mb"], figures["installed_mb"]
    report.at_most("memory while it flashes, attests and collects, PSS, MB", used, 120)
    report.at_most("installed beyond Python, without bytecode, MB", size, 120)
    report.at_least("packages, all to be had for 64-bit ARM", figures["arm_packages"], 1)
    report.finish()


if __name__ == "__main__":
    main()
