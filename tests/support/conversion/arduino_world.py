"""Exported libraries built against the Arduino shim: for this host, and for an emulated chip."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.support.chip import MODELS, request, sketch
from tinyops.boards.catalogue import load_board
from tinyops.boards.link import Link, SocketStream
from tinyops.conversion.arduino.library import INNER, ArduinoLibrary, export_library
from tinyops.conversion.images.build_request import BuildRequest
from tinyops.conversion.images.toolchain import CPU
from tinyops.conversion.tflite.reference import Reference
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


def compile_library(
    library: ArduinoLibrary, folder: Path, shim: str, tool: str = "", base: Path | None = None
) -> list[Path]:
    """Object files of library, sketch and shim: own sources with warnings as errors.

    `base` is the folder of a library that differs in .c files only: of the files that are the same
    its objects are taken.
    """
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
        changed = [file for file in files if not _taken(file, folder, base)]
        if changed:
            command = [tool + compiler, *cpu, *flags, *includes, "-c", *map(str, changed)]
            subprocess.run(command, cwd=objects, check=True)
    return sorted(objects.glob("*.o"))


def _taken(file: Path, folder: Path, base: Path | None) -> bool:
    """Copy the object of a file that is the same in `base`; False where it has to be compiled."""
    if base is None:
        return False
    twin = base / file.relative_to(folder) if file.is_relative_to(folder) else file
    if twin.read_bytes() != file.read_bytes():
        return False
    name = f"{file.stem}.o"
    (folder / "objects" / name).write_bytes((base / "objects" / name).read_bytes())
    return True


def host_program(library: ArduinoLibrary, folder: Path, base: Path | None = None) -> Path:
    """The library as a program of this host; `base` as in `compile_library`."""
    program = folder / "program"
    objects = compile_library(library, folder, "host", base=base)
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
