"""Runs firmware built for the host: this process is the chip. Started by `host_chip.HostChip`.

The image brings the firmware, a shared library, and the model, a .tflite. TensorFlow Lite Micro is
the one in PyPI's `tflite_micro`; on a real board it would be part of the firmware.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import resource
import sys
import traceback
from collections.abc import Callable

import numpy as np

from tinyops.emulation.host_parts import read_parts

_ARENA_BYTES = 16 << 20
_INT8 = ctypes.POINTER(ctypes.c_int8)
_INVOKE = ctypes.CFUNCTYPE(None, _INT8, _INT8)
_RESET = ctypes.CFUNCTYPE(None)


class _Hardware(ctypes.Structure):
    """`host_hardware` of firmware/board/host/host.h."""

    _fields_ = (
        ("flash", ctypes.c_void_p),
        ("flash_bytes", ctypes.c_uint64),
        ("samples", ctypes.c_void_p),
        ("invoke", _INVOKE),
        ("reset", _RESET),
        ("link", ctypes.c_int32),
        ("sensor", ctypes.c_int32),
    )


def run(flash_file: int, samples_file: int, link: int, sensor: int) -> None:
    """Start the firmware; it runs until the other end of a line closes."""
    # Damaged firmware may fall anywhere: no dump of it, and nothing written to disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    flash = _mapped(flash_file)
    image = flash[:]
    parts = read_parts(image)
    invoke, reset = _interpreter(image[parts.model : parts.model + parts.model_bytes])
    library = _load(image[parts.firmware : parts.firmware + parts.firmware_bytes])
    samples = _mapped(samples_file)
    hardware = _Hardware(
        _address(flash), len(image), _address(samples), _INVOKE(invoke), _RESET(reset), link, sensor
    )
    library.host_run(ctypes.byref(hardware))


def _interpreter(model: bytes):  # type: ignore[no-untyped-def]
    from tflite_micro import runtime

    # By itself the package takes ten times the model's size, too little for small models.
    size = max(_ARENA_BYTES, 10 * len(model))
    interpreter = runtime.Interpreter.from_bytes(model, arena_size=size)
    shape = tuple(int(size) for size in interpreter.get_input_details(0)["shape"])
    size = int(np.prod(shape))

    def guarded(work: Callable[..., None]) -> Callable[..., None]:
        def run(*arguments: ctypes._Pointer) -> None:
            try:
                work(*arguments)
            except BaseException:
                # ctypes would swallow it and the firmware would go on with old logits.
                traceback.print_exc()
                os._exit(1)

        return run

    @guarded
    def invoke(features: ctypes._Pointer, logits: ctypes._Pointer) -> None:
        given = np.ctypeslib.as_array(features, (size,)).reshape(shape)
        interpreter.set_input(given.copy(), 0)
        interpreter.invoke()
        found = np.array(interpreter.get_output(0), np.int8).ravel()
        np.ctypeslib.as_array(logits, (found.size,))[:] = found

    return invoke, guarded(interpreter.reset)


def _load(library: bytes) -> ctypes.CDLL:
    file = os.memfd_create("tinyops-firmware")
    os.write(file, library)
    return ctypes.CDLL(f"/proc/self/fd/{file}")


def _mapped(file: int) -> mmap.mmap:
    # Private: ctypes wants it writable, and nothing that is written reaches the file.
    return mmap.mmap(file, 0, mmap.MAP_PRIVATE)


def _address(memory: mmap.mmap) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


if __name__ == "__main__":
    run(*map(int, sys.argv[1:]))
