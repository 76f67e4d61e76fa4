"""Link an image for an emulated Cortex-M4: the model as compiled C, board support of mps2-an386."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tinyops.boards.board import Board
from tinyops.conversion.images import sources, toolchain
from tinyops.conversion.images.aot import AotModel
from tinyops.conversion.images.build_request import BuildRequest
from tinyops.conversion.images.footprint import Footprint, sketch_footprint
from tinyops.conversion.images.protection import cover
from tinyops.conversion.images.toolchain import FIRMWARE, SectionSizes
from tinyops.conversion.images.unit import write_unit

SUPPORT = FIRMWARE / "board" / "mps2_an386"
RUNTIME = FIRMWARE / "runtime" / "aot"
STACK_BYTES = 8192


_FLASH_REGIONS = 5
_RAM_REGIONS = 1
"""Of the eight regions of a Cortex-M4; one is the devices', one the sensor's."""


def linker_symbols(board: Board, base: int = 0) -> dict[str, int]:
    """The board's application area and RAM, as the linker script names them.

    Parameters
    ----------
    base
        Address that flash is mapped at: 0 in the emulator, whose memory is there, wherever the
        board has it.
    """
    return {
        "APP_BASE": base + board.flash.app_offset,
        "FLASH_END": base + board.flash.app_offset + board.flash.app_bytes,
        "FLASH_PAGE": board.flash.page_bytes,
        "RAM_BASE": board.ram.address,
        "RAM_BYTES": board.ram.total_bytes,
        "STACK_BYTES": STACK_BYTES,
    }


def board_config(board: Board) -> str:
    """`board_config.h`: the same numbers for the C sources."""
    symbols = linker_symbols(board)
    flash = cover(symbols["APP_BASE"], symbols["FLASH_END"], _FLASH_REGIONS)
    ram = cover(symbols["RAM_BASE"], symbols["RAM_BASE"] + symbols["RAM_BYTES"], _RAM_REGIONS)
    defines: dict[str, int | str] = {f"BOARD_{name}": value for name, value in symbols.items()}
    for name, regions in (("FLASH", flash), ("RAM", ram)):
        rows = ", ".join(f"{{{region.base:#x}u, {region.extent:#x}u}}" for region in regions)
        defines[f"BOARD_{name}_REGIONS"] = f"{{{rows}}}"
    return sources.config_header("TINYOPS_BOARD_CONFIG_H", defines)


def link_for_qemu(
    request: BuildRequest,
    model: AotModel,
    own: Sequence[Path],
    includes: Sequence[Path],
    folder: Path,
) -> tuple[bytes, SectionSizes]:
    """Compile and link; leaves firmware.elf and firmware.map in `folder`.

    Returns
    -------
    The flat bytes, parameter pages at their end, and their linked sizes.

    Raises
    ------
    DoesNotFit, ConversionError
        As `toolchain.link`.
    """
    places = [*includes, SUPPORT, RUNTIME, *model.include_dirs]
    support = [*sorted(SUPPORT.glob("*.c")), *sorted(RUNTIME.glob("*.c"))]
    objects = toolchain.compile_sources(
        [*own, *support], places, folder / "objects" / "own", toolchain.STRICT
    )
    unit = write_unit(model, folder / "sources" / "unit", request.tuning.specialised)
    objects += toolchain.compile_sources(
        [unit], places, folder / "objects" / "model", request.tuning.flags
    )
    elf = folder / "firmware.elf"
    sizes = toolchain.link(
        objects, SUPPORT / "link.ld", linker_symbols(request.board), elf, request.board.name
    )
    return elf.with_suffix(".bin").read_bytes(), sizes


def footprint(request: BuildRequest, folder: Path) -> Footprint | None:
    """What the sketch takes of the image that was linked in `folder`; None without a sketch."""
    if request.sketch is None:
        return None
    names = {path.stem for path in (FIRMWARE / "monitor").glob("*.c")}
    return sketch_footprint(folder / "firmware.map", names)
