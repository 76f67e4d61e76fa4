"""Exported libraries built against the Arduino shim: for this host, and for an emulated chip."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chip import MODELS, request, sketch
from tinyops.boards.catalogue import load_board
from tinyops.boards.link import Link, SocketStream
from tinyops.conversion import sources
from tinyops.conversion.arduino_library import INNER, ArduinoLibrary, export_library
from tinyops.conversion.arduino_ports import port_of, sensor_config
from tinyops.conversion.build_request import BuildRequest
from tinyops.conversion.reference import Reference
from tinyops.conversion.toolchain import CPU, FIRMWARE
from tinyops.frontend import Frontend, from_project
from tinyops.projects import Project, load_project

SHIM = Path(__file__).with_name("arduino_shim")
STRICT = ("-Wall", "-Wextra", "-Werror")
# What an Arduino core gives and a library cannot change; contraction is the compiler's default.
C = ("-std=gnu11", "-Os", "-ffunction-sections", "-fdata-sections", "-DARDUINO=10819")
CPP = ("-std=gnu++14", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", *C[1:])


def project(sensor: str = "microphone", **signal: Any) -> Project:
    """motor_sound with a window and a frontend that the model `spectral` takes."""
    scope = load_project("motor_sound")
    signal = {"window": 256, "hop": 128} | signal
    return scope.model_copy(
        update={
            "sensor": sensor,
            "signal": scope.signal.model_copy(update=signal),
            "frontend": scope.frontend.model_copy(update={"carriers": 1, "bins": 16}),
            "labels": ["a", "b", "c", "d"],
        }
    )


def windows(scope: Project, count: int, seed: int = 0) -> NDArray[np.int16]:
    """Noise with a tone [count, W, C]."""
    generator = np.random.default_rng(seed)
    shape = (count, scope.signal.window, len(scope.signal.channels))
    tone = 6000 * np.sin(np.arange(scope.signal.window) / generator.uniform(1, 9, (count, 1)))
    return (generator.normal(0, 2000, shape) + tone[..., None]).astype(np.int16)


def spectral_request(board: str, scope: Project, **changes: object) -> BuildRequest:
    """The model `spectral` with the frontend of `project`, for the board's real target."""
    content: dict[str, object] = {
        "tflite": (MODELS / "spectral.tflite").read_bytes(),
        "frontend": from_project(scope.frontend, scope.signal),
        "golden": windows(scope, 4, seed=1),
        "project": scope.name,
        "target": load_board(board).real_target,
        "sketch": None,
        "reference_tag": "",
    }
    return request("spectral", board, **(content | changes))


def exported(board: str, scope: Project | None = None, **changes: object) -> ArduinoLibrary:
    """A library of the model `spectral`."""
    scope = scope or project()
    return export_library(spectral_request(board, scope, **changes), scope)


def tiny_exported(board: str) -> ArduinoLibrary:
    """A library of the model `tiny`, which counts as chip.tiny_image does."""
    scope = project()
    made = request(board=board, target=load_board(board).real_target)
    assert made.sketch is sketch()
    return export_library(made, scope)


def compile_library(library: ArduinoLibrary, folder: Path, shim: str, tool: str = "") -> list[Path]:
    """Object files of library, sketch and shim: own sources with warnings as errors."""
    root = library.write(folder)
    source, sketch_file = root / "src", next((root / "examples").rglob("*.ino"))
    cpu = CPU if tool else ()
    includes = [f"-I{path}" for path in (source, SHIM, SHIM / library.board)]
    inner = source / INNER
    vendor = sorted(path for path in inner.glob("*.c") if path.name.startswith(("arm_", "bknn_")))
    vendor += sorted(inner.glob("bakenn_*.c"))
    own = sorted(set(inner.glob("*.c")) - set(vendor))
    board = SHIM / "host" / f"{library.board}.cpp"
    cpp = [*sorted(inner.glob("*.cpp")), SHIM / shim / "core.cpp", board]
    objects = folder / "objects"
    objects.mkdir()
    # Without it CMSIS-NN wants Arm's intrinsics; with it its kernels are plain C.
    plain = () if tool else ("-D__GNUC_PYTHON__", "-D__RESTRICT=__restrict")
    for compiler, flags, files in (
        ("gcc", (*C, *plain, "-w"), vendor),
        ("gcc", (*C, *STRICT), own),
        ("g++", (*CPP, *STRICT), cpp),
        ("g++", (*CPP, *STRICT, "-include", "Arduino.h", "-x", "c++"), [sketch_file]),
    ):
        if files:
            command = [tool + compiler, *cpu, *flags, *includes, "-c", *map(str, files)]
            subprocess.run(command, cwd=objects, check=True)
    return sorted(objects.glob("*.o"))


def host_program(library: ArduinoLibrary, folder: Path) -> Path:
    """The library as a program of this host."""
    objects, program = compile_library(library, folder, "host"), folder / "program"
    subprocess.run(["g++", *map(str, objects), "-o", str(program)], check=True)
    return program


def emulated_image(library: ArduinoLibrary, folder: Path) -> bytes:
    """The library linked for QEMU's machine, header wherever the linker has put it."""
    tool = "arm-none-eabi-"
    objects, elf = compile_library(library, folder, "mps2", tool), folder / "sketch.elf"
    link = ["-nostartfiles", "--specs=nano.specs", "--specs=nosys.specs", "-Wl,--gc-sections"]
    script = SHIM / "mps2" / "link.ld"
    command = [f"{tool}gcc", *CPU, *link, "-T", str(script), *map(str, objects), "-o", str(elf)]
    subprocess.run(command, check=True)
    binary = folder / "sketch.bin"
    subprocess.run([f"{tool}objcopy", "-O", "binary", str(elf), str(binary)], check=True)
    return binary.read_bytes()


@contextmanager
def running(program: Path, samples: NDArray[np.int16] | None = None) -> Iterator[Link]:
    """The program with its Serial as a socket, and the samples that its sensor gives."""
    ours, theirs = socket.socketpair()
    world = program.with_name("samples.bin")
    world.write_bytes(b"" if samples is None else np.ascontiguousarray(samples, "<i2").tobytes())
    process = subprocess.Popen(
        [str(program)],
        stdin=theirs.fileno(),
        stdout=theirs.fileno(),
        env={"SHIM_SAMPLES": str(world)},
    )
    theirs.close()
    try:
        yield Link(SocketStream(ours))
    finally:
        ours.close()
        process.kill()
        process.wait()


@contextmanager
def interpreted(program: Path, model_bytes: int) -> Iterator[tuple[Link, list[int]]]:
    """As `running`, for a library with an interpreter: this process's TFLM runs the model's bytes
    as they are in the program. The list has the number of operators that it added."""
    ours, theirs = socket.socketpair()
    ask_read, ask_write = os.pipe()
    tell_read, tell_write = os.pipe()
    process = subprocess.Popen(
        [str(program)],
        stdin=theirs.fileno(),
        stdout=theirs.fileno(),
        pass_fds=(ask_write, tell_read),
        env={
            "SHIM_MODEL_BYTES": str(model_bytes),
            "SHIM_ASK": str(ask_write),
            "SHIM_TELL": str(tell_read),
        },
    )
    for line in (ask_write, tell_read):
        os.close(line)
    theirs.close()
    operators: list[int] = []
    asked = os.fdopen(ask_read, "rb")

    def interpret() -> None:
        operators.append(*struct.unpack("<I", asked.read(4)))
        model = Reference(asked.read(model_bytes))
        size = int(np.prod(model.input_shape))
        outputs = len(model.logits(np.zeros(size, np.int8)))
        os.write(tell_write, struct.pack("<II", size, outputs))
        while len(values := asked.read(size)) == size:
            os.write(tell_write, model.logits(np.frombuffer(values, np.int8)).tobytes())

    thread = threading.Thread(target=interpret)
    thread.start()
    try:
        yield Link(SocketStream(ours)), operators
    finally:
        ours.close()
        process.kill()
        process.wait()
        thread.join(10)
        asked.close()
        os.close(tell_write)


def expected(frontend: Frontend, tflite: bytes, given: NDArray[np.int16]) -> NDArray[np.int8]:
    """TFLM's logits of windows."""
    return Reference(tflite).run(frontend.run(given))


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
