"""Instructions of each step of a compiled model, counted on the emulated chip.

A firmware of its own runs the model once between readings of the counter. A count is exact to one
tick (40 instructions) and repeats; the kernels' work does not depend on the values.
"""

from __future__ import annotations

import math
import socket
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tinyops.boards.board import Board
from tinyops.conversion.images import sources, toolchain
from tinyops.conversion.images.aot import AotModel, Step
from tinyops.conversion.images.qemu_image import SUPPORT, board_config, linker_symbols
from tinyops.conversion.images.toolchain import FIRMWARE
from tinyops.conversion.images.tuning import Tuning
from tinyops.conversion.images.unit import write_unit
from tinyops.conversion.tflite.errors import ProofFailed
from tinyops.emulation import Machine
from tinyops.emulation.machine import INSTRUCTIONS_PER_TICK

_LEFT_OUT = ("fault.c", "sensor.c")
_FAULT = (
    "#include <stdint.h>\n_Noreturn void report_fault(const uint32_t *stacked);\n"
    "_Noreturn void report_fault(const uint32_t *stacked) { (void)stacked; for (;;) { } }\n"
)


@dataclass(frozen=True)
class Profile:
    """Instructions of each step of `steps`; `model_bytes` are code and constants of the model."""

    tuning: Tuning
    steps: tuple[Step, ...]
    instructions: tuple[int, ...]
    model_bytes: int
    output_hash: int

    @property
    def total(self) -> int:
        """Of one inference."""
        return sum(self.instructions)

    def to_dict(self) -> dict[str, Any]:
        """JSON content."""
        return {
            "tuning": self.tuning.to_dict(),
            "instructions": self.total,
            "model_bytes": self.model_bytes,
            "steps": [
                asdict(step) | {"instructions": count}
                for step, count in zip(self.steps, self.instructions, strict=True)
            ],
        }


def profile(
    model: AotModel,
    board: Board,
    folder: Path,
    tuning: Tuning,
    timeout: float = 120.0,
    support: Sequence[Path] = (),
) -> Profile:
    """Compile `model` in `folder` as `tuning` says, run it once and count.

    Parameters
    ----------
    support
        Objects of `compile_support` for this model and board; compiled in `folder` if not given.

    Raises
    ------
    DoesNotFit, ConversionError
        As `toolchain.link`.
    ProofFailed
        It does not answer in `timeout` seconds.
    """
    objects = [*(support or compile_support(model, board, folder))]
    unit = write_unit(model, folder / "unit", tuning.specialised)
    flags = (*tuning.flags, "-DPROFILED")
    vendor = toolchain.compile_sources(
        [unit], model.include_dirs, folder / "objects" / "model", flags
    )
    elf = folder / "profile.elf"
    toolchain.link([*objects, *vendor], SUPPORT / "link.ld", linker_symbols(board), elf, board.name)
    ticks, hashed = _count(elf.with_suffix(".bin").read_bytes(), board, len(model.steps), timeout)
    return Profile(
        tuning=tuning,
        steps=model.steps,
        instructions=tuple(INSTRUCTIONS_PER_TICK * each for each in ticks),
        model_bytes=toolchain.object_bytes(vendor[0]),
        output_hash=hashed,
    )


def compile_support(model: AotModel, board: Board, folder: Path) -> list[Path]:
    """Object files of the profiled firmware without the model: the same for every tuning.

    Raises
    ------
    ConversionError
        As `toolchain.compile_sources`.
    """
    files = {
        "board_config.h": board_config(board),
        "profile_config.h": sources.config_header(
            "TINYOPS_PROFILE_CONFIG_H", {"PROFILE_STEPS": len(model.steps)}
        ),
        "no_fault.c": _FAULT,
    }
    made = sources.write(folder / "own", files)
    places = [folder / "own", SUPPORT, FIRMWARE / "board", FIRMWARE / "link", *model.include_dirs]
    own = [path for path in sorted(SUPPORT.glob("*.c")) if path.name not in _LEFT_OUT]
    own += [*made, FIRMWARE / "profile" / "main.c"]
    return toolchain.compile_sources(own, places, folder / "objects", toolchain.STRICT)


def _count(image: bytes, board: Board, steps: int, timeout: float) -> tuple[tuple[int, ...], int]:
    base = linker_symbols(board)["APP_BASE"]
    with Machine(image, flash_base=base, app_base=base, icount=True) as machine:
        machine.uart0.settimeout(timeout)
        found = _receive(machine.uart0, 4 * (steps + 2), timeout)
    count, *ticks, hashed = struct.unpack(f"<{steps + 2}I", found)
    if count != steps:
        raise ProofFailed(f"the profiled model ran {count} of {steps} steps")
    return tuple(ticks), hashed


def _receive(line: socket.socket, size: int, timeout: float) -> bytes:
    content = b""
    while len(content) < size:
        try:
            more = line.recv(size - len(content))
        except TimeoutError:
            more = b""
        if not more:
            raise ProofFailed(
                f"the profiled model is not done in {math.ceil(timeout)} s or has faulted",
                "prove its image, which reports a fault",
            )
        content += more
    return content
