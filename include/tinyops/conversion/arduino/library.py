"""An Arduino library (specification 1.5, recursive layout) of one project for one real board.

Frontend, model, monitor, link and application are the files of the other images, copied; what is
added is a board support on Arduino's API (firmware/board/arduino). The same request gives the same
bytes.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from tinyops.boards.image import ImageHeader
from tinyops.conversion.arduino import tflm
from tinyops.conversion.arduino.ports import Port, port_of
from tinyops.conversion.arduino.sources import SUPPORT, collect_sources
from tinyops.conversion.images.build_request import BuildRequest
from tinyops.conversion.tflite.errors import ConversionError
from tinyops.projects import Project

TEMPLATES = SUPPORT / "library"
INNER = "tinyops"
"""The folder below src/: its headers are not on the include path of other libraries."""
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
    made = collect_sources(request, project, port)
    name = library_name(project.name, request.board.name)
    texts = _texts(request, project, port, made.header, name)
    files = {f"src/{INNER}/{file}": content for file, content in made.files.items()}
    files |= {f"licenses/{file}": content for file, content in made.licences.items()}
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
        name, request.board.name, arduino.fqbn, files, made.header, f"examples/{project.name}"
    )


def _texts(
    request: BuildRequest, project: Project, port: Port, header: ImageHeader, name: str
) -> dict[str, Any]:
    board, signal, arduino = request.board, project.signal, request.board.arduino
    assert arduino is not None
    interpreted = board.runtime.kind == "tflm"
    libraries = [*port.libraries, *([tflm.LIBRARY] if interpreted else [])]
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
