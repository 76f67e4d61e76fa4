"""Build the image of one model for one target: firmware, model, golden windows, parameters."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tinyops.boards.catalogue import Board
from tinyops.boards.image import HEADER_OFFSET, HEADER_SIZE, Image, ImageHeader, image_crc
from tinyops.boards.messages import MAX_CLASSES
from tinyops.conversion import sources, toolchain
from tinyops.conversion.aot import AotModel, compile_model
from tinyops.conversion.canonical import canonical
from tinyops.conversion.errors import ConversionError
from tinyops.conversion.footprint import Footprint, sketch_footprint
from tinyops.conversion.parameters import ParameterBlock
from tinyops.conversion.reference import Reference
from tinyops.conversion.toolchain import SectionSizes
from tinyops.monitoring.sketch import SketchSpec

if TYPE_CHECKING:
    from tinyops.frontend import Frontend

FIRMWARE = Path(__file__).resolve().parents[1] / "firmware"
VIRTUAL_M4 = "mps2-an386-virtual"
_BOARD_SUPPORT = {VIRTUAL_M4: FIRMWARE / "board" / "mps2_an386"}
STACK_BYTES = 8192
_GOLDEN_LOGITS = 1000
_GOLDEN_BYTES = 65536
_MAX_GOLDEN = 16
_MAX_OUTPUTS = 1000
_MAX_INPUT = 65535


@dataclass(frozen=True)
class BuildRequest:
    """What goes into an image.

    Parameters
    ----------
    tflite
        The int8 model as it was trained; it is made canonical here.
    golden
        Raw windows int16 [n, W, C]; as many are taken as fit into the image and into one frame.
    sampling
        Whether the device takes windows from its own sensor.
    temperature, class_offset
        See ParameterBlock.
    sketch
        What the device counts of its windows; without one that part of the firmware is left out.
    """

    tflite: bytes
    board: Board
    target: str
    frontend: Frontend
    golden: NDArray[np.int16]
    project: str
    version: str
    reference_tag: str = ""
    sampling: bool = True
    temperature: float = 1.0
    class_offset: tuple[int, ...] = ()
    sketch: SketchSpec | None = None

    @cached_property
    def canonical(self) -> bytes:
        """The model in the form that is compiled and that the reference runs."""
        return canonical(self.tflite)


@dataclass(frozen=True)
class BuiltImage:
    """An image, its linked sizes, the sketch's part of them, and the folder with firmware.elf,
    firmware.map and all sources."""

    image: Image
    sizes: SectionSizes
    canonical: bytes
    model: AotModel
    folder: Path
    sketch: Footprint | None = None

    def to_dict(self) -> dict[str, Any]:
        """The content of image.json."""
        return {
            "offset": self.image.offset,
            "role": self.image.role,
            "bytes": len(self.image.bytes),
            "sha256": hashlib.sha256(self.image.bytes).hexdigest(),
            "sizes": self.sizes.to_dict(),
            "header": self.image.header.to_dict(),
            "sketch": self.sketch.to_dict() if self.sketch else None,
        }


def build_image(request: BuildRequest, folder: Path) -> BuiltImage:
    """Generate, compile and link in `folder`, which receives image.bin, firmware.elf and .map.

    Raises
    ------
    DoesNotFit
        Flash or RAM of the board overflows; the message says by how many bytes.
    ConversionError
        The model, a source or the target is refused; the message names operator or file.
    """
    support = _board_support(request)
    made = folder / "sources"
    model = compile_model(request.canonical, made / "model")
    _require_servable(request, model)
    golden = _golden(request, model)
    header = _header(request, model)
    generated = sources.write(made, _generated(request, model, golden, header))
    includes = [made, *(FIRMWARE / part for part in ("link", "app", "monitor", "board")), support]
    includes += [*request.frontend.include_dirs, *model.include_dirs]
    parts = ("link", "app", "monitor") if request.sketch else ("link", "app")
    own = [
        *generated,
        *request.frontend.generate(made),
        *(path for part in parts for path in sorted((FIRMWARE / part).glob("*.c"))),
        *sorted(support.glob("*.c")),
    ]
    objects = toolchain.compile_sources(own, includes, folder / "objects" / "own", toolchain.STRICT)
    objects += toolchain.compile_sources(
        model.sources, includes, folder / "objects" / "vendor", toolchain.VENDOR
    )
    elf = folder / "firmware.elf"
    sizes = toolchain.link(
        objects, support / "link.ld", linker_symbols(request.board), elf, request.board.name
    )
    image = _patch(request, elf.with_suffix(".bin").read_bytes(), header, sizes)
    (folder / "image.bin").write_bytes(image.bytes)
    footprint = None
    if request.sketch is not None:
        names = {path.stem for path in (FIRMWARE / "monitor").glob("*.c")}
        footprint = sketch_footprint(elf.with_suffix(".map"), names)
    return BuiltImage(image, sizes, request.canonical, model, folder, footprint)


def linker_symbols(board: Board) -> dict[str, int]:
    """The board's application area and RAM, as the linker script names them."""
    return {
        "APP_BASE": board.flash.base_address + board.flash.app_offset,
        "FLASH_END": board.flash.base_address + board.flash.app_offset + board.flash.app_bytes,
        "FLASH_PAGE": board.flash.page_bytes,
        "RAM_BASE": board.ram.address,
        "RAM_BYTES": board.ram.total_bytes,
        "STACK_BYTES": STACK_BYTES,
    }


def board_config(board: Board) -> str:
    """`board_config.h`: the same numbers for the C sources."""
    symbols = linker_symbols(board)
    return sources.config_header(
        "TINYOPS_BOARD_CONFIG_H", {f"BOARD_{name}": value for name, value in symbols.items()}
    )


def _board_support(request: BuildRequest) -> Path:
    support = _BOARD_SUPPORT.get(request.target)
    if request.target not in request.board.targets or support is None:
        known = ", ".join(request.board.targets) or "none"
        raise ConversionError(
            f"{request.board.name} has no target {request.target!r}", f"targets: {known}"
        )
    return support


def _require_servable(request: BuildRequest, model: AotModel) -> None:
    spec = request.frontend.spec
    if spec.output_size != model.input_bytes:
        raise ConversionError(
            f"the frontend gives {spec.output_size} values, the model takes {model.input_bytes}",
            "train the model on this frontend",
        )
    if request.sketch is not None and request.sketch.size != model.input_bytes:
        raise ConversionError(
            f"the sketch is of {request.sketch.size} values, the model takes {model.input_bytes}",
            "build it from this model's features",
        )
    if model.outputs > _MAX_OUTPUTS:
        raise ConversionError(
            f"the model has {model.outputs} outputs, one reply carries {_MAX_OUTPUTS}",
            "give the model fewer outputs",
        )
    if max(2 * spec.window * spec.channels, model.input_bytes) > _MAX_INPUT:
        raise ConversionError(
            f"a window of {2 * spec.window * spec.channels} bytes, the link addresses {_MAX_INPUT}",
            "use a shorter window",
        )
    if request.sampling and model.outputs > MAX_CLASSES:
        raise ConversionError(
            f"{model.outputs} classes, a device counts {MAX_CLASSES}", "use fewer classes"
        )


def _golden(request: BuildRequest, model: AotModel) -> NDArray[np.int16]:
    window_bytes = max(request.golden[0].nbytes, 1) if len(request.golden) else 1
    fit = min(_GOLDEN_LOGITS // model.outputs, _GOLDEN_BYTES // window_bytes, _MAX_GOLDEN)
    if not len(request.golden):
        raise ConversionError("no golden windows", "give at least one window of test data")
    return request.golden[: max(fit, 1)]


def _header(request: BuildRequest, model: AotModel) -> ImageHeader:
    return ImageHeader(
        project=request.project,
        version=request.version,
        board=request.board.name,
        target=request.target,
        runtime="aot",
        model_sha256=hashlib.sha256(request.tflite).hexdigest(),
        reference_tag=request.reference_tag,
        model_bytes=len(request.tflite),
        arena_bytes=model.arena_bytes,
        ram_bytes=0,
        load_address=linker_symbols(request.board)["APP_BASE"],
        image_size=0,
        image_crc32=0,
    )


def _generated(
    request: BuildRequest, model: AotModel, golden: NDArray[np.int16], header: ImageHeader
) -> dict[str, str]:
    logits = Reference(request.canonical).run(request.frontend.run(golden))
    block = ParameterBlock(
        model_sha256=header.model_sha256,
        reference_tag=request.reference_tag,
        output_scale=model.output_scale,
        temperature=request.temperature,
        class_offset=request.class_offset,
        sketch=request.sketch,
    )
    classes = model.outputs if model.outputs <= MAX_CLASSES else 0
    application = {
        "APP_GOLDEN": len(golden),
        "APP_CLASSES": classes,
        "APP_SAMPLING": int(request.sampling),
        "APP_SKETCH": int(request.sketch is not None),
    }
    files = {
        "app_config.h": sources.config_header("TINYOPS_APP_CONFIG_H", application),
        "board_config.h": board_config(request.board),
        "image_header.c": sources.header_source(header.pack()),
        "golden.c": sources.golden_source(golden, logits),
        "factory_parameters.c": sources.parameters_source(block.pack()),
    }
    if request.sketch is not None:
        files["sketch_tables.h"] = sources.sketch_header(request.sketch)
        files["sketch_tables.c"] = sources.sketch_source(request.sketch)
    return files


def _patch(request: BuildRequest, linked: bytes, header: ImageHeader, sizes: SectionSizes) -> Image:
    size = len(linked) - sizes.parameters
    header = replace(header, ram_bytes=sizes.ram_bytes, image_size=size)
    data = _with_header(linked, header)
    header = replace(header, image_crc32=image_crc(data))
    offset = request.board.flash.app_offset
    return Image(offset, _with_header(linked, header), "firmware", header)


def _with_header(data: bytes, header: ImageHeader) -> bytes:
    return data[:HEADER_OFFSET] + header.pack() + data[HEADER_OFFSET + HEADER_SIZE :]
