"""What a model takes of a board with its firmware, part by part: measured or estimated."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tinyops.boards.board import Allowance, Board
from tinyops.conversion.images.aot import AotModel, compile_model
from tinyops.conversion.images.footprint import constant_bytes
from tinyops.conversion.tflite.canonical import rewritten
from tinyops.conversion.tflite.errors import ConversionError
from tinyops.conversion.tflite.tflm_memory import arena_bytes

if TYPE_CHECKING:
    from tinyops.conversion.images.image import BuiltImage

LINKED = (
    "linker map of the image for the emulated board support; its golden windows are constants, and "
    "what fills up the last page of code is counted with the parameter pages"
)
PLANNED = "memory plan of the ahead-of-time compiler; the linker has the last word in compile"
FILE = "size of the canonical .tflite, which is what goes into the image"
MEASURED_ON_HOST = "TensorFlow Lite Micro on this 64-bit host, an upper bound"
WINDOWS = "one window that is being sampled and one that the link fills"


@dataclass(frozen=True)
class Part:
    """Some of the flash or RAM that is needed, and whether that was measured or is an estimate."""

    name: str
    bytes: int
    measured: bool
    source: str


@dataclass(frozen=True)
class Memory:
    """The parts of flash and RAM. `arena_bytes` are in the parts of RAM already.

    `notes` are those of the canonical form, and on layers that are slower than they could be.
    """

    flash: tuple[Part, ...]
    ram: tuple[Part, ...]
    arena_bytes: int
    notes: tuple[str, ...] = ()

    @property
    def flash_bytes(self) -> int:
        """All of it."""
        return sum(part.bytes for part in self.flash)

    @property
    def ram_bytes(self) -> int:
        """All of it."""
        return sum(part.bytes for part in self.ram)


def linked(built: BuiltImage, board: Board) -> Memory:
    """Memory of a linked image, and the vendor's core that a real board has besides.

    Raises
    ------
    ConversionError
        The image's firmware was built for the host and says nothing about the board.
    """
    sizes, model = built.sizes, built.model
    if sizes is None or not isinstance(model, AotModel):
        raise ConversionError(f"{board.name}: its firmware was not linked for the board")
    constants = constant_bytes(built.folder / "firmware.map")
    core_flash, core_ram = _allowance("vendor's core", board.base)
    flash = {
        "code": sizes.text - constants,
        "constants": constants,
        "initial data": sizes.data,
        "parameter pages": sizes.flash_bytes - sizes.text - sizes.data,
    }
    ram = {"initial data": sizes.data, "arena and buffers": sizes.bss, "stack": sizes.stack}
    return Memory(
        flash=(*_measured(flash, LINKED), core_flash),
        ram=(*_measured(ram, LINKED), core_ram),
        arena_bytes=model.arena_bytes,
        notes=(*built.notes, *_slow_steps(model)),
    )


def planned(tflite: bytes, board: Board, window_bytes: int = 0) -> Memory:
    """Memory by the ahead-of-time compiler's plan, without a link: an estimate.

    Parameters
    ----------
    window_bytes
        One window of raw samples, for a device that samples by itself.

    Raises
    ------
    ConversionError
        The compiler refuses the model.
    """
    form = rewritten(tflite)
    with tempfile.TemporaryDirectory() as folder, form.naming():
        model = compile_model(form.tflite, Path(folder))
    # The model's input, the window that is being sampled, and what the link fills.
    buffers = model.input_bytes + window_bytes + max(model.input_bytes, window_bytes)
    firmware_flash, firmware_ram = _allowance("runtime and firmware", board.runtime)
    core_flash, core_ram = _allowance("vendor's core", board.base)
    return Memory(
        flash=(
            Part("model", model.constant_bytes, False, PLANNED),
            firmware_flash,
            core_flash,
        ),
        ram=(
            Part("arena", model.arena_bytes, False, PLANNED),
            Part("buffers", buffers, False, PLANNED),
            firmware_ram,
            core_ram,
        ),
        arena_bytes=model.arena_bytes,
        notes=(*form.notes, *_slow_steps(model)),
    )


def interpreted(tflite: bytes, board: Board, window_bytes: int = 0) -> Memory:
    """Memory for TensorFlow Lite Micro: its recorder's figure, and allowances for all else.

    Raises
    ------
    ConversionError
        The interpreter refuses the model; names the operator.
    """
    form = rewritten(tflite)
    with form.naming():
        arena = arena_bytes(form.tflite)
    firmware_flash, firmware_ram = _allowance("runtime and firmware", board.runtime)
    core_flash, core_ram = _allowance("vendor's core", board.base)
    buffers = [Part("buffers", 2 * window_bytes, False, WINDOWS)] if window_bytes else []
    return Memory(
        flash=(Part("model", len(form.tflite), True, FILE), firmware_flash, core_flash),
        ram=(
            Part("arena", arena, True, MEASURED_ON_HOST),
            *buffers,
            firmware_ram,
            core_ram,
        ),
        arena_bytes=arena,
        notes=form.notes,
    )


def _slow_steps(model: AotModel) -> tuple[str, ...]:
    return tuple(f"no CMSIS-NN kernel for {step}: slower" for step in model.portable_steps)


def _measured(sizes: dict[str, int], source: str) -> tuple[Part, ...]:
    return tuple(Part(name, size, True, source) for name, size in sizes.items())


def _allowance(name: str, entry: Allowance) -> tuple[Part, Part]:
    """What the catalogue allows for something, in flash and in RAM."""
    return (
        Part(name, entry.flash_bytes, False, entry.source),
        Part(name, entry.ram_bytes, False, entry.source),
    )
