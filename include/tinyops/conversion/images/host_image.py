"""Link an image for a board without an emulator: firmware for this host, the .tflite beside it.

No compiler for Xtensa or ARC is to be had from package registries. So the firmware's C sources are
built for the host; TensorFlow Lite Micro, which a real board would have in its firmware, is the one
on PyPI. Code size and speed of such an image say nothing about the board.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tinyops.boards.board import Board
from tinyops.boards.image import HEADER_OFFSET, HEADER_SIZE
from tinyops.conversion.images import sources
from tinyops.conversion.images.toolchain import FIRMWARE, STRICT
from tinyops.conversion.tflite.errors import CompilerMissing, ConversionError
from tinyops.conversion.tflite.tflm import TflmModel
from tinyops.emulation.host_parts import HostParts, machine_of
from tinyops.environment import bare_environment

SUPPORT = FIRMWARE / "board" / "host"
RUNTIME = FIRMWARE / "runtime" / "tflm"
BLANK = b"\xff"
_ALIGN = 16  # TFLM wants a model's bytes aligned
# _GNU_SOURCE for the sockets; all else as on the chip, without contraction (see frontend/host.py).
_FLAGS = (
    *("-std=c11", "-O2", "-D_GNU_SOURCE", "-ffp-contract=off", "-fno-fast-math", "-fPIC"),
    *("-fvisibility=hidden", "-shared", "-s", "-Wl,-Bsymbolic", "-Wl,--build-id=none"),
)


def board_config(board: Board) -> str:
    """`board_config.h`: what the host's board support has to know of the board."""
    return sources.config_header(
        "TINYOPS_BOARD_CONFIG_H", {"BOARD_FLASH_PAGE": board.flash.page_bytes}
    )


def model_config(model: TflmModel) -> str:
    """`model_config.h`: the sizes of the model's input and output."""
    return sources.config_header(
        "TINYOPS_MODEL_CONFIG_H",
        {"MODEL_FEATURES": model.input_bytes, "MODEL_OUTPUTS": model.outputs},
    )


def link_for_host(
    board: Board,
    tflite: bytes,
    parameters: bytes,
    own: Sequence[Path],
    includes: Sequence[Path],
    folder: Path,
) -> tuple[bytes, int]:
    """Compile, link and put together; leaves firmware.so in `folder`.

    Parameters
    ----------
    tflite
        The canonical model.
    parameters
        The factory parameter block.

    Returns
    -------
    The bytes, and how many at their end are the two parameter pages.

    Raises
    ------
    CompilerMissing, ConversionError
        No compiler, or a source that it refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    library = folder / "firmware.so"
    _compile([*own, *sorted(SUPPORT.glob("*.c"))], [*includes, SUPPORT, RUNTIME], library)
    firmware, page = library.read_bytes(), board.flash.page_bytes
    start = _aligned(HEADER_OFFSET + HEADER_SIZE, _ALIGN)
    model = _aligned(start + len(firmware), _ALIGN)
    end = _aligned(model + len(tflite), page)
    parts = HostParts(machine_of(firmware), start, len(firmware), model, len(tflite), end)
    image = bytearray(BLANK * (end + 2 * page))
    for offset, content in (
        (0, parts.pack()),
        (start, firmware),
        (model, tflite),
        (end, parameters),
    ):
        image[offset : offset + len(content)] = content
    return bytes(image), 2 * page


def _compile(own: Sequence[Path], includes: Sequence[Path], library: Path) -> None:
    command = ["gcc", *_FLAGS, *STRICT, *(f"-I{path.resolve()}" for path in includes)]
    command += [*(str(path.resolve()) for path in own), "-o", str(library.resolve())]
    try:
        done = subprocess.run(
            command,
            cwd=library.parent,
            env=bare_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise CompilerMissing("no gcc", "install gcc and libc6-dev (packages.txt)") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "error" in line]
        raise ConversionError(f"gcc: {(lines or ['no reason given'])[0]}")


def _aligned(size: int, to: int) -> int:
    return -(-size // to) * to
