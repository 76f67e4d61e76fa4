"""Proof: the very image, booted on an emulated chip, returns the bytes that the reference returns.

Inputs are compared in sequences. The state of a recurrent model is forgotten before each on both
sides, so what it keeps from one input to the next is proven too.

It proves computation, not peripherals: UART, MPU and counter are those of QEMU's mps2-an386. Where
there is no emulator the firmware runs as a process of the host, with TensorFlow Lite Micro beside
it: that proves frontend, counting, link and image, and no instructions are counted.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyops.boards.image import Image, nonce_crc
from tinyops.boards.link import Hello, Link, LinkError, SocketStream
from tinyops.conversion.candidates.sensing import Sensed, sense
from tinyops.conversion.tflite.errors import ProofFailed
from tinyops.conversion.tflite.reference import Reference
from tinyops.emulation import Chip, HostChip, Machine
from tinyops.emulation.machine import INSTRUCTIONS_PER_TICK

EMULATED = "QEMU mps2-an386"
HOST = "process of the host"
SEQUENCE = 4
"""Inputs that are run in a row from a model without state."""
_SHORTEST = 3
_SHOWN = 16
_QUIET = 0.05


@dataclass(frozen=True)
class Proof:
    """What was compared and counted. All figures are of the emulated chip; sizes in bytes.

    `chip` says what ran the image; where it was a process of the host, what only an emulated chip
    can tell is None, and `ram_bytes` is an estimate. `instructions_per_inference` is exact to one
    counter tick (40 instructions) and repeatable; `instructions_per_window` is from the samples to
    what is decided and counted of them, and `instructions_per_count` what deciding and counting
    take of it: both are None where nothing was sensed.
    `flash_bytes` is everything that is flashed, `ram_bytes` what is reserved, stack included;
    `stack_bytes` the most of it that was in use.
    """

    board: str
    target: str
    chip: str
    samples: int
    mismatches: int
    golden: int
    instructions_per_inference: int | None
    instructions_per_window: int | None
    instructions_per_count: int | None
    flash_bytes: int
    ram_bytes: int
    stack_bytes: int | None
    image_crc32: int

    def to_dict(self) -> dict[str, Any]:
        """JSON content."""
        return asdict(self)


def prove(
    image: Image,
    reference: bytes,
    inputs: NDArray[np.int8],
    *,
    sensed: Sensed | None = None,
    inference_timeout: float = 120.0,
    boot_timeout: float = 60.0,
    progress: Callable[[int], object] | None = None,
) -> Proof:
    """Boot an image and compare it with TensorFlow Lite Micro.

    Parameters
    ----------
    reference
        The canonical .tflite that the image was compiled from.
    inputs
        Model inputs int8 [n, …].
    sensed
        What the image, which has a sketch, is to read from its sensor and to count.
    inference_timeout, boot_timeout
        Seconds for one inference or for the self-test, and for everything else, on this host.
    progress
        Called with the number of samples done.

    Raises
    ------
    ProofFailed
        The image does not boot whole, fails its self-test, faults, differs on a sample, or counts
        otherwise; the message names the first sample that differs.
    ConversionError
        TFLM refuses the reference, or the inputs are of another shape or type.
    """
    if not len(inputs):
        raise ProofFailed("no inputs to prove with", "give at least one sample")
    model = Reference(reference)
    model.require_inputs(inputs)
    emulated = image.header.runtime == "aot"
    with _chip(image, emulated) as chip:
        link = Link(SocketStream(chip.uart0))
        try:
            hello = link.boot_hello(boot_timeout)
            _check_boot(image, hello, model)
            _check_selftest(image, link, inference_timeout)
            instructions = _compare(image, link, model, inputs, inference_timeout, progress)
            per_window, per_count = (
                _sense(image, chip, link, sensed, inference_timeout) if sensed else (None, None)
            )
            last = link.hello(boot_timeout)
        except LinkError as error:
            raise ProofFailed(
                f"{_name(image)} stopped answering: {error.message}",
                "read the log of the machine and the map of the image",
            ) from error
    return Proof(
        board=image.header.board,
        target=image.header.target,
        chip=EMULATED if emulated else HOST,
        samples=len(inputs),
        mismatches=0,
        golden=hello.golden,
        instructions_per_inference=instructions if emulated else None,
        instructions_per_window=per_window if emulated else None,
        instructions_per_count=per_count if emulated else None,
        flash_bytes=len(image.bytes),
        ram_bytes=image.header.ram_bytes,
        stack_bytes=last.stack_bytes if emulated else None,
        image_crc32=image.header.image_crc32,
    )


def _chip(image: Image, emulated: bool) -> AbstractContextManager[Chip]:
    if not emulated:
        return HostChip(image.bytes)
    start = image.header.load_address
    return Machine(image.bytes, flash_base=start, app_base=start, icount=True)


def _check_boot(image: Image, hello: Hello, model: Reference) -> None:
    if not hello.boot_ok or hello.image != image.header:
        raise ProofFailed(
            f"{_name(image)} boots with CRC {hello.boot_crc32:#010x}, "
            f"its header says {image.header.image_crc32:#010x}",
            "build it again",
        )
    if hello.faults:
        raise ProofFailed(f"{_name(image)} faulted {hello.faults} times while it started")
    size = int(np.prod(model.input_shape))
    if hello.feature_bytes != size:
        raise ProofFailed(
            f"{_name(image)} takes {hello.feature_bytes} bytes, the model takes {size}",
            "prove the image against the model it was built from",
        )


def _check_selftest(image: Image, link: Link, timeout: float) -> None:
    nonce = secrets.randbits(32)
    result = link.selftest(nonce, timeout)
    if result.passed != result.golden:
        raise ProofFailed(
            f"{_name(image)} passes {result.passed} of {result.golden} golden windows",
            "the frontend or the model differs on the chip",
        )
    if result.crc32 != nonce_crc(image.bytes, nonce):
        raise ProofFailed(f"{_name(image)} answers a wrong CRC for nonce {nonce:#010x}")


def _compare(
    image: Image,
    link: Link,
    model: Reference,
    inputs: NDArray[np.int8],
    timeout: float,
    progress: Callable[[int], object] | None,
) -> int:
    counts = []
    differing: list[tuple[int, NDArray[np.int8], NDArray[np.int8]]] = []
    for rows in sequences(len(inputs)):
        wanted = model.run(inputs[rows], sequence=len(inputs[rows]))
        for number, expected in zip(range(rows.start, rows.stop), wanted, strict=True):
            link.send_input(np.ascontiguousarray(inputs[number]).tobytes(), timeout)
            answer = link.infer(reset=number == rows.start, timeout=timeout)
            counts.append(answer.ticks * INSTRUCTIONS_PER_TICK)
            if not np.array_equal(answer.logits, expected):
                differing.append((number, answer.logits, expected))
            if progress:
                progress(number + 1)
    if differing:
        number, got, expected = differing[0]
        raise ProofFailed(
            f"{_name(image)} differs on {len(differing)} of {len(inputs)} samples, first on sample "
            f"{number}: {got[:_SHOWN].tolist()} instead of {expected[:_SHOWN].tolist()}",
            "do not release it; report the model",
        )
    return max(counts)


def sequences(count: int) -> list[slice]:
    """Divide inputs into sequences of SEQUENCE; a rest of one or two joins the last."""
    starts = list(range(0, count, SEQUENCE))
    if len(starts) > 1 and count - starts[-1] < _SHORTEST:
        starts.pop()
    return [slice(start, stop) for start, stop in zip(starts, [*starts[1:], count], strict=True)]


def _sense(image: Image, chip: Chip, link: Link, sensed: Sensed, timeout: float) -> tuple[int, int]:
    last = sensed.samples[-link.hello(timeout).window :]
    link.send_input(last.astype("<i2").tobytes(), timeout)
    start = time.monotonic()
    inferred = link.infer(window=True, timeout=timeout).ticks
    quiet = _QUIET + 4 * (time.monotonic() - start)
    decision = sense(chip, link, sensed, timeout, quiet)
    frame = link.frame(partial=True, timeout=timeout)
    if frame != sensed.frame:
        raise ProofFailed(
            f"{_name(image)} has counted {frame.hex() if frame else 'nothing'} of "
            f"{sensed.windows} windows, it should have counted {sensed.frame.hex()}",
            "do not release it; the sketch differs on the chip",
        )
    counting = decision.ticks - inferred
    return decision.ticks * INSTRUCTIONS_PER_TICK, counting * INSTRUCTIONS_PER_TICK


def _name(image: Image) -> str:
    header = image.header
    return f"{header.project} {header.version} for {header.target} ({header.board})"
