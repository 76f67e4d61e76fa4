"""The sources of an Arduino library: those of the other images, copied, with what is generated."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from tinyops.boards.image import ImageHeader
from tinyops.conversion.arduino import tflm
from tinyops.conversion.arduino.attest import arrays_in, attest, attested_source, require_all
from tinyops.conversion.arduino.ports import Port, sensor_config
from tinyops.conversion.images import qemu_image, sources
from tinyops.conversion.images.aot import AotModel, compile_model
from tinyops.conversion.images.build_request import BuildRequest, Model, require_servable
from tinyops.conversion.images.image import application_sources, header_of, parameters_of
from tinyops.conversion.images.toolchain import FIRMWARE
from tinyops.conversion.tflite.errors import ConversionError
from tinyops.conversion.tflite.tflm import TflmModel, examine
from tinyops.projects import Project

SUPPORT = FIRMWARE / "board" / "arduino"
_WITHOUT = {"main.c", "image.c"}  # setup and loop are the sketch's; arduino_image.c has another way
_INCLUDE = re.compile(rb'^(\s*#\s*include\s+")(?:[^"\n]*/)([^"/\n]+")', re.M)


@dataclass(frozen=True)
class ArduinoSources:
    """{file name: content} of one folder and of the licences, and the header in those sources."""

    files: dict[str, bytes]
    licences: dict[str, bytes]
    header: ImageHeader


def collect_sources(request: BuildRequest, project: Project, port: Port) -> ArduinoSources:
    """All sources in one folder; the header's CRC is over the constants among them.

    Raises
    ------
    ConversionError
        The model is refused, or two sources have one name.
    """
    with tempfile.TemporaryDirectory() as scratch:
        return _collect(request, project, port, Path(scratch))


def _collect(request: BuildRequest, project: Project, port: Port, scratch: Path) -> ArduinoSources:
    model, flat, licences, constants = _model(request, scratch / "model")
    require_servable(request, model)
    for path in _own(request, port, scratch / "frontend"):
        if path.name not in _WITHOUT:
            _add(flat, path.name, path.read_bytes())
    generated = {
        **application_sources(request, model),
        "board_config.h": _board_config(request),
        "sensor_config.h": sensor_config(port, project, sources.config_header),
        "factory_parameters.c": sources.bytes_source(
            "factory_parameters", parameters_of(request, model).pack(), "aligned(4)"
        ),
    }
    declared = [*constants, "selftest.h", "frontend_tables.h"]
    declared += ["sketch_tables.h"] if request.sketch else []
    for name, text in generated.items():
        _add(flat, name, text.encode())
    arrays = [array for name in declared for array in arrays_in(flat[name].decode())]
    _add(flat, "attested.c", attested_source(declared, arrays).encode())
    defining = [name.replace(".h", ".c") for name in declared if name != "selftest.h"]
    defining += ["golden.c", "factory_parameters.c", "image_header.c"]
    header = _attested(
        flat, defining, header_of(request, model, request.board.runtime.kind, load_address=0)
    )
    return ArduinoSources(flat, licences, header)


def _own(request: BuildRequest, port: Port, made: Path) -> list[Path]:
    parts = ("link", "app", "monitor")
    counting = parts if request.sketch else parts[:-1]
    own = [path for part in counting for path in (FIRMWARE / part).glob("*.c")]
    own += [path for part in parts for path in (FIRMWARE / part).glob("*.h")]
    own += [FIRMWARE / "board" / "board.h", *SUPPORT.glob("arduino_*"), SUPPORT / "attested.h"]
    own += [SUPPORT / name for name in port.sources]
    own += request.frontend.generate(made)
    own += [*made.glob("*.h")]
    return own + [path for place in request.frontend.include_dirs for path in place.glob("*.h")]


def _attested(flat: dict[str, bytes], defining: list[str], header: ImageHeader) -> ImageHeader:
    """Size and CRC into the header, and the header into the sources: it is itself attested."""
    flat["image_header.c"] = _header_source(header)
    size, _ = attest(flat, defining)
    header = replace(header, image_size=size)
    flat["image_header.c"] = _header_source(header)
    _, crc = attest(flat, defining)
    header = replace(header, image_crc32=crc)
    flat["image_header.c"] = _header_source(header)
    return header


def _model(
    request: BuildRequest, folder: Path
) -> tuple[Model, dict[str, bytes], dict[str, bytes], list[str]]:
    """(model, its files, licences, headers that declare its constants)."""
    flat: dict[str, bytes] = {}
    if request.board.runtime.kind == "tflm":
        with request.rewritten.naming():
            examined: TflmModel = examine(request.canonical)
        for name, text in tflm.model_files(request.canonical, examined).items():
            flat[name] = text.encode()
        runtimes = (FIRMWARE / "runtime" / "tflm_arduino", FIRMWARE / "runtime" / "tflm")
        for path in (path for runtime in runtimes for path in runtime.iterdir()):
            flat[path.name] = path.read_bytes()
        return examined, flat, {}, ["model_data.h"]
    with request.rewritten.naming():
        compiled: AotModel = compile_model(request.canonical, folder)
    for path in (FIRMWARE / "runtime" / "aot").iterdir():
        flat[path.name] = path.read_bytes()
    vendor = [*compiled.sources]
    vendor += [path for place in compiled.include_dirs for path in sorted(place.rglob("*.h"))]
    for path in dict.fromkeys(vendor):
        # All in one folder, so that nothing but the library's src has to be searched.
        _add(flat, path.name, _INCLUDE.sub(rb"\1\2", path.read_bytes()))
    licences = {
        f"{path.parent.name}.txt": path.read_bytes() for path in sorted(folder.rglob("LICENSE.txt"))
    }
    declared = [name for name in flat if name.endswith("_weights.h")]
    require_all([flat[name].decode() for name in declared], compiled.constant_bytes)
    return compiled, flat, licences, declared


def _add(flat: dict[str, bytes], name: str, content: bytes) -> None:
    if flat.setdefault(name, content) != content:
        raise ConversionError(f"two different sources are called {name}", "rename one of them")


def _header_source(header: ImageHeader) -> bytes:
    return sources.bytes_source("image_header", header.pack(), "aligned(4)").encode()


def _board_config(request: BuildRequest) -> str:
    places = qemu_image.linker_symbols(request.board, request.board.flash.base_address)
    return sources.config_header(
        "TINYOPS_BOARD_CONFIG_H",
        {
            "BOARD_APP_BASE": places["APP_BASE"],
            "BOARD_FLASH_END": places["FLASH_END"],
            "BOARD_LINK_BAUD": request.board.protocol.baud,
        },
    )
