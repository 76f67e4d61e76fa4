"""An Arduino library (specification 1.5, recursive layout) of one project for one real board.

Frontend, model, monitor, link and application are the files of the other images, copied; what is
added is a board support on Arduino's API (firmware/board/arduino). The same request gives the same
bytes.
"""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from string import Template
from typing import Any

from tinyops.boards.image import ImageHeader
from tinyops.conversion import arduino_tflm, qemu_image, sources
from tinyops.conversion.aot import AotModel, compile_model
from tinyops.conversion.arduino_attest import arrays_in, attest, attested_source, require_all
from tinyops.conversion.arduino_ports import Port, port_of, sensor_config
from tinyops.conversion.build_request import BuildRequest, Model, require_servable
from tinyops.conversion.errors import ConversionError
from tinyops.conversion.image import application_sources, header_of, parameters_of
from tinyops.conversion.tflm import TflmModel, examine
from tinyops.conversion.toolchain import FIRMWARE
from tinyops.projects import Project

SUPPORT = FIRMWARE / "board" / "arduino"
TEMPLATES = SUPPORT / "library"
INNER = "tinyops"
"""The folder below src/: its headers are not on the include path of other libraries."""
_WITHOUT = {"main.c", "image.c"}  # setup and loop are the sketch's; arduino_image.c has another way
_INCLUDE = re.compile(rb'^(\s*#\s*include\s+")(?:[^"\n]*/)([^"/\n]+")', re.M)
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class ArduinoLibrary:
    """{path inside the library's folder: content}, and what it is."""

    name: str
    board: str
    fqbn: str
    files: dict[str, bytes]
    header: ImageHeader
    sketch: str
    """The example's folder."""

    def write(self, folder: Path) -> Path:
        """Write it to `folder`/name; ConversionError if something is there already."""
        out = folder / self.name
        if out.exists() and any(out.iterdir()):
            raise ConversionError(f"{out} is not empty", "remove it or give another --out")
        for path, content in self.files.items():
            (out / path).parent.mkdir(parents=True, exist_ok=True)
            (out / path).write_bytes(content)
        return out

    def zipped(self) -> bytes:
        """A zip for the IDE: the same bytes every time."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, content in sorted(self.files.items()):
                entry = zipfile.ZipInfo(f"{self.name}/{path}", _EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, content)
        return buffer.getvalue()

    def to_dict(self) -> dict[str, Any]:
        """JSON content."""
        return {
            "library": self.name,
            "board": self.board,
            "target": self.header.target,
            "fqbn": self.fqbn,
            "files": len(self.files),
            "bytes": sum(map(len, self.files.values())),
            "attested_bytes": self.header.image_size,
            "attested_crc32": self.header.image_crc32,
        }


def library_name(project: str, board: str) -> str:
    """`TinyOps_<project>_<board>`."""
    return f"TinyOps_{project}_{board.replace('-', '_')}"


def export_library(request: BuildRequest, project: Project) -> ArduinoLibrary:
    """The library of a request whose target is its board's real one.

    Raises
    ------
    ConversionError
        No Arduino core for the board, no port for its sensor, or a model that is refused.
    """
    arduino = request.board.arduino
    if arduino is None or request.target != request.board.real_target:
        raise ConversionError(
            f"{request.board.name} has no Arduino core in the catalogue", "see docs/arduino.md"
        )
    port = port_of(request.board, project)
    with tempfile.TemporaryDirectory() as scratch:
        flat, licences, header = _sources(request, project, port, Path(scratch))
    name = library_name(project.name, request.board.name)
    texts = _texts(request, project, port, header, name)
    files = {f"src/{INNER}/{file}": content for file, content in flat.items()}
    files |= {f"licenses/{file}": content for file, content in licences.items()}
    for template, path in (
        ("library.properties", "library.properties"),
        ("keywords.txt", "keywords.txt"),
        ("README.md", "README.md"),
        ("library.h", f"src/{name}.h"),
        ("sketch.ino", f"examples/{project.name}/{project.name}.ino"),
    ):
        text = Template((TEMPLATES / f"{template}.in").read_text(encoding="utf-8"))
        files[path] = text.substitute(texts).encode()
    return ArduinoLibrary(
        name, request.board.name, arduino.fqbn, files, header, f"examples/{project.name}"
    )


def _sources(
    request: BuildRequest, project: Project, port: Port, scratch: Path
) -> tuple[dict[str, bytes], dict[str, bytes], ImageHeader]:
    """(all of src/tinyops, licences, the header with the CRC of the constants)."""
    model, flat, licences, constants = _model(request, scratch / "model")
    require_servable(request, model)
    header = header_of(request, model, request.board.runtime.kind, load_address=0)
    parts = ("link", "app", "monitor") if request.sketch else ("link", "app")
    own = [path for part in parts for path in (FIRMWARE / part).glob("*.c")]
    own += [path for part in ("link", "app", "monitor") for path in (FIRMWARE / part).glob("*.h")]
    own += [FIRMWARE / "board" / "board.h", *SUPPORT.glob("arduino_*"), SUPPORT / "attested.h"]
    own += [SUPPORT / name for name in port.sources]
    made = scratch / "frontend"
    own += request.frontend.generate(made)
    own += [*made.glob("*.h")]
    own += [path for folder in request.frontend.include_dirs for path in folder.glob("*.h")]
    for path in own:
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
    flat["image_header.c"] = _header_source(header)
    size, _ = attest(flat, defining)
    header = replace(header, image_size=size)
    flat["image_header.c"] = _header_source(header)
    _, crc = attest(flat, defining)
    header = replace(header, image_crc32=crc)
    flat["image_header.c"] = _header_source(header)
    return flat, licences, header


def _model(
    request: BuildRequest, folder: Path
) -> tuple[Model, dict[str, bytes], dict[str, bytes], list[str]]:
    """(model, its files, licences, headers that declare its constants)."""
    flat: dict[str, bytes] = {}
    if request.board.runtime.kind == "tflm":
        examined: TflmModel = examine(request.canonical)
        for name, text in arduino_tflm.model_files(request.canonical, examined).items():
            flat[name] = text.encode()
        runtimes = (FIRMWARE / "runtime" / "tflm_arduino", FIRMWARE / "runtime" / "tflm")
        for path in (path for runtime in runtimes for path in runtime.iterdir()):
            flat[path.name] = path.read_bytes()
        return examined, flat, {}, ["model_data.h"]
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
    places = qemu_image.linker_symbols(request.board)
    return sources.config_header(
        "TINYOPS_BOARD_CONFIG_H",
        {
            "BOARD_APP_BASE": places["APP_BASE"],
            "BOARD_FLASH_END": places["FLASH_END"],
            "BOARD_LINK_BAUD": request.board.protocol.baud,
        },
    )


def _texts(
    request: BuildRequest, project: Project, port: Port, header: ImageHeader, name: str
) -> dict[str, Any]:
    board, signal, arduino = request.board, project.signal, request.board.arduino
    assert arduino is not None
    interpreted = board.runtime.kind == "tflm"
    libraries = [*port.libraries, *([arduino_tflm.LIBRARY] if interpreted else [])]
    return {
        "library": name,
        "library_version": "1.0.0",
        "owner": project.owner,
        "title": project.title,
        "project": project.name,
        "version": request.version,
        "board_title": board.title,
        "target": request.target,
        "architecture": arduino.architecture,
        "core": arduino.core,
        "fqbn": arduino.fqbn,
        "core_note": _CORE_NOTES.get(arduino.core, ""),
        "library_install": "".join(f'    arduino-cli lib install "{one}"\n' for one in libraries),
        "depends": f"depends={','.join(libraries)}\n" if libraries else "",
        "sensor": project.sensor,
        "meaning": port.meaning,
        "channels": ", ".join(signal.channels),
        "rate": f"{signal.rate_hz:g}",
        "window": signal.window,
        "hop": signal.hop,
        "labels": ", ".join(f"{number} {label}" for number, label in enumerate(project.labels)),
        "baud": board.protocol.baud,
        "attested_bytes": f"{header.image_size:,}",
        "runtime": "TensorFlow Lite Micro" if interpreted else "compiled C with CMSIS-NN kernels",
        "runtime_file": "tflm_runtime.cpp" if interpreted else "runtime.c",
        "sealed": _SEALED if arduino.flat else _NOT_SEALED,
    }


_CORE_NOTES = {
    "SparkFun:apollo3": "The address of SparkFun's board index is in the README of "
    "sparkfun/Arduino_Apollo3; give it as `--additional-urls`.",
    "esp32:esp32": "The address of Espressif's board index is in the documentation of "
    "espressif/arduino-esp32; give it as `--additional-urls`.",
}
_SEALED = (
    "sealed by TinyOps' release (which builds with arduino-cli where that is installed) and "
    "written with `tinyops flash`:\n  over the whole application area that was written, code "
    "included, as on the emulated boards."
)
_NOT_SEALED = (
    "this board's image has segments and hashes of its own, so TinyOps does not seal it: the CRC "
    "stays that of the constants."
)
