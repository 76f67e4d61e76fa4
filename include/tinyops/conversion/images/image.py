"""Build the image of one model for one target: firmware, model, golden windows, parameters."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tinyops.boards.image import HEADER_OFFSET, HEADER_SIZE, Image, ImageHeader, image_crc
from tinyops.boards.messages import MAX_CLASSES
from tinyops.conversion.images import host_image, qemu_image, sources
from tinyops.conversion.images.aot import compile_model
from tinyops.conversion.images.build_request import (
    GOLDEN_SEQUENCE,
    BuildRequest,
    Model,
    golden_of,
    require_servable,
)
from tinyops.conversion.images.footprint import Footprint
from tinyops.conversion.images.parameters import ParameterBlock
from tinyops.conversion.images.toolchain import FIRMWARE, SectionSizes
from tinyops.conversion.images.tuning import Tuning
from tinyops.conversion.tflite.errors import ConversionError
from tinyops.conversion.tflite.reference import Reference
from tinyops.conversion.tflite.tflm import examine


@dataclass(frozen=True)
class BuiltImage:
    """An image and the folder with its sources, firmware and map.

    `sizes` are linked, and `sketch` is the sketch's part of them; both are None for an image whose
    firmware was built for the host, where they would say nothing about the board. `tuning` is how
    the model was compiled, where it was. `notes` are those of the canonical form.
    """

    image: Image
    sizes: SectionSizes | None
    canonical: bytes
    model: Model
    folder: Path
    sketch: Footprint | None = None
    tuning: Tuning | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The content of image.json."""
        return {
            "offset": self.image.offset,
            "role": self.image.role,
            "bytes": len(self.image.bytes),
            "sha256": hashlib.sha256(self.image.bytes).hexdigest(),
            "sizes": self.sizes.to_dict() if self.sizes else None,
            "header": self.image.header.to_dict(),
            "sketch": self.sketch.to_dict() if self.sketch else None,
            "tuning": self.tuning.to_dict() if self.tuning else None,
            "notes": list(self.notes),
        }


def build_image(request: BuildRequest, folder: Path) -> BuiltImage:
    """Generate, compile and link in `folder`, which receives image.bin and firmware.elf or .so.

    Raises
    ------
    DoesNotFit
        Flash or RAM of the board overflows; the message says by how many bytes.
    ConversionError
        The model, a source or the target is refused; the message names operator or file.
    """
    build = {"qemu-virtual": _for_qemu, "host-virtual": _for_host}.get(
        request.board.platform(request.target) if request.target in request.board.targets else ""
    )
    if build is None:
        known = ", ".join(request.board.targets) or "none"
        raise ConversionError(
            f"{request.board.name} has no target {request.target!r}", f"targets: {known}"
        )
    built = build(request, folder)
    (folder / "image.bin").write_bytes(built.image.bytes)
    return built


def _for_qemu(request: BuildRequest, folder: Path) -> BuiltImage:
    made = folder / "sources"
    form = request.rewritten
    with form.naming():
        model = compile_model(form.tflite, made / "model")
    require_servable(request, model)
    start = qemu_image.linker_symbols(request.board)["APP_BASE"]
    header = header_of(request, model, runtime="aot", load_address=start)
    files = {
        "board_config.h": qemu_image.board_config(request.board),
        "image_header.c": sources.header_source(header.pack()),
        "factory_parameters.c": sources.parameters_source(parameters_of(request, model).pack()),
    }
    own = _own_sources(request, model, files, made)
    linked, sizes = qemu_image.link_for_qemu(request, model, own, _includes(request, made), folder)
    header = replace(header, ram_bytes=sizes.ram_bytes)
    image = _sealed(request, linked, header, sizes.parameters)
    footprint = qemu_image.footprint(request, folder)
    return BuiltImage(
        image, sizes, form.tflite, model, folder, footprint, request.tuning, form.notes
    )


def _for_host(request: BuildRequest, folder: Path) -> BuiltImage:
    made, board = folder / "sources", request.board
    with request.rewritten.naming():
        model = examine(request.canonical)
    require_servable(request, model)
    header = header_of(request, model, runtime="tflm", load_address=board.flash.app_offset)
    files = {
        "board_config.h": host_image.board_config(board),
        "model_config.h": host_image.model_config(model),
    }
    own = _own_sources(request, model, files, made)
    parameters = parameters_of(request, model).pack()
    linked, pages = host_image.link_for_host(
        board, request.canonical, parameters, own, _includes(request, made), folder
    )
    # An estimate: the interpreter's arena and the catalogue's allowances for all else.
    allowed = board.runtime.ram_bytes + board.base.ram_bytes
    header = replace(header, ram_bytes=model.arena_bytes + allowed)
    sealed, notes = _sealed(request, linked, header, pages), request.rewritten.notes
    return BuiltImage(sealed, None, request.canonical, model, folder, notes=notes)


def _own_sources(
    request: BuildRequest, model: Model, files: Mapping[str, str], made: Path
) -> list[Path]:
    parts = ("link", "app", "monitor") if request.sketch else ("link", "app")
    return [
        *sources.write(made, {**files, **application_sources(request, model)}),
        *request.frontend.generate(made),
        *(path for part in parts for path in sorted((FIRMWARE / part).glob("*.c"))),
    ]


def _includes(request: BuildRequest, made: Path) -> list[Path]:
    own = (FIRMWARE / part for part in ("link", "app", "monitor", "board"))
    return [made, *own, *request.frontend.include_dirs]


def header_of(request: BuildRequest, model: Model, runtime: str, load_address: int) -> ImageHeader:
    """The header before linking: sizes of what is linked and CRC are 0."""
    return ImageHeader(
        project=request.project,
        version=request.version,
        board=request.board.name,
        target=request.target,
        runtime=runtime,
        model_sha256=hashlib.sha256(request.tflite).hexdigest(),
        reference_tag=request.reference_tag,
        model_bytes=len(request.tflite),
        arena_bytes=model.arena_bytes,
        ram_bytes=0,
        load_address=load_address,
        image_size=0,
        image_crc32=0,
    )


def parameters_of(request: BuildRequest, model: Model) -> ParameterBlock:
    """The factory parameter block."""
    return ParameterBlock(
        model_sha256=hashlib.sha256(request.tflite).hexdigest(),
        reference_tag=request.reference_tag,
        output_scale=model.output_scale,
        temperature=request.temperature,
        class_offset=request.class_offset,
        sketch=request.sketch,
    )


def application_sources(request: BuildRequest, model: Model) -> dict[str, str]:
    """What is generated of the application for every board: {file name: text}."""
    golden = golden_of(request)
    # Large windows are few: the sequence comes round to them again.
    steps = np.arange(max(len(golden), GOLDEN_SEQUENCE)) % len(golden)
    features = request.frontend.run(golden)[steps]
    logits = Reference(request.canonical).run(features, sequence=len(features))
    application = {
        "APP_GOLDEN": len(steps),
        "APP_GOLDEN_WINDOWS": len(golden),
        "APP_CLASSES": model.outputs if model.outputs <= MAX_CLASSES else 0,
        "APP_SAMPLING": int(request.sampling),
        "APP_SKETCH": int(request.sketch is not None),
    }
    files = {
        "app_config.h": sources.config_header("TINYOPS_APP_CONFIG_H", application),
        "golden.c": sources.golden_source(golden, logits),
    }
    if request.sketch is not None:
        files["sketch_tables.h"] = sources.sketch_header(request.sketch)
        files["sketch_tables.c"] = sources.sketch_source(request.sketch)
    return files


def _sealed(request: BuildRequest, linked: bytes, header: ImageHeader, parameters: int) -> Image:
    """The image with its size and CRC in the header; `parameters` bytes at its end have no CRC."""
    header = replace(header, image_size=len(linked) - parameters)
    header = replace(header, image_crc32=image_crc(_with_header(linked, header)))
    offset = request.board.flash.app_offset
    return Image(offset, _with_header(linked, header), "firmware", header)


def _with_header(data: bytes, header: ImageHeader) -> bytes:
    return data[:HEADER_OFFSET] + header.pack() + data[HEADER_OFFSET + HEADER_SIZE :]
