"""One sensor port of an exported sketch, compiled and run alone in a child process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.support.conversion.arduino_world import CPP, SHIM, STRICT, C
from tinyops.boards.catalogue import load_board
from tinyops.conversion.arduino.ports import port_of, sensor_config
from tinyops.conversion.images import sources
from tinyops.conversion.images.toolchain import FIRMWARE
from tinyops.projects import Project

_SENSOR_CORE = """
#include <Arduino.h>
extern "C" {
#include "board.h"
}
#include "arduino_sensor.h"
static int faults;
void sensor_fault(void) { faults++; }
void setup(void) {}
void loop(void) {}
extern "C" int sensor_faults(void) { return faults; }
"""


def sensor_of(
    board: str,
    scope: Project,
    samples: NDArray[np.int16],
    frames: int,
    blocks: int,
    folder: Path,
    missed: int = 0,
    analog_us: int = 20,
) -> tuple[list[NDArray[np.int16]], int]:
    """Blocks [frames, C] that a board's port for the project's sensor gives of `samples`, and how
    many faults it counted. Blocks end where none comes.

    `missed`: how often the sensor delivers between two blocks while nobody takes its samples.
    `analog_us`: what analogRead takes; time is counted, not real.
    """
    described = load_board(board)
    port = port_of(described, scope)
    (folder / "world.cpp").write_text(_SENSOR_CORE)
    (folder / "sensor_config.h").write_text(sensor_config(port, scope, sources.config_header))
    (folder / "frontend_config.h").write_text(f"#define FRONTEND_WINDOW {scope.signal.window}\n")
    support = FIRMWARE / "board" / "arduino"
    files = [folder / "world.cpp", *(support / name for name in port.sources)]
    files += [SHIM / "host" / "core.cpp", SHIM / "host" / f"{board}.cpp"]
    places = (folder, support, support.parent, SHIM, SHIM / board)
    includes = [f"-I{path}" for path in places]
    objects = []
    for file in files:
        tool, flags = ("gcc", C) if file.suffix == ".c" else ("g++", CPP)
        objects.append(folder / f"{file.parent.name}-{file.stem}.o")
        command = [tool, "-fPIC", *flags, *STRICT, *includes, "-c", str(file), "-o"]
        subprocess.run([*command, str(objects[-1])], check=True)
    library = folder / "sensor.so"
    command = ["g++", "-shared", "-Wl,-Bsymbolic", *map(str, objects), "-o", str(library)]
    subprocess.run(command, check=True)
    world, out = folder / "samples.bin", folder / "blocks.bin"
    world.write_bytes(np.ascontiguousarray(samples, "<i2").tobytes())
    # A process of its own: the libraries' state is static, and the samples' file is opened once.
    size = frames * port.channels
    done = subprocess.run(
        [sys.executable, "-c", _DRIVER, *map(str, (library, frames, blocks, size, out, missed))],
        env={"SHIM_SAMPLES": str(world), "SHIM_ANALOG_US": str(analog_us)},
        stdin=subprocess.PIPE,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    values = np.fromfile(out, "<i2").reshape(-1, frames, port.channels)
    return list(values), int(done.stdout)


_DRIVER = """
import ctypes, pathlib, sys
name, frames, blocks, size, out, missed = sys.argv[1], *map(int, sys.argv[2:5]), *sys.argv[5:]
library = ctypes.CDLL(name)
library.board_sensor_take.restype = ctypes.POINTER(ctypes.c_int16)
library.sensor_start.restype = ctypes.c_bool
library.shim_open()
assert library.sensor_start()
found = b""
for number in range(blocks):
    library.board_sensor_ask(frames)
    for _ in range(200):
        block = library.board_sensor_take()
        if block:
            break
        library.shim_wait()
    else:
        break
    found += bytes(ctypes.cast(block, ctypes.POINTER(ctypes.c_int16 * size)).contents)
    for _ in range(int(missed)):
        library.shim_wait()
print(library.sensor_faults())
pathlib.Path(out).write_bytes(found)
"""
