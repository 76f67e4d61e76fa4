"""Build an exported library for the real board with arduino-cli, and seal what it has linked.

arduino-cli is a program of its own (GPL-3.0) that is called where it is installed; TinyOps does not
bring it. What is used of its JSON is what its documentation and public callers name: `success`,
`compiler_err`, and `builder_result.executable_sections_size` of `compile`, `platforms[].id` of
`core list`. It was not at hand when this was written: the call has not been seen at work.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tinyops.boards.board import Arduino, Board
from tinyops.boards.image import Image, header_offset, image_crc, parse_header
from tinyops.conversion.arduino.library import ArduinoLibrary
from tinyops.conversion.tflite.errors import ConversionError
from tinyops.environment import bare_environment

TOOL = "arduino-cli"
_PLACES = ("ARDUINO_", "XDG_")
_MINUTES = 15


@dataclass(frozen=True)
class Sizes:
    """What arduino-cli says of the linked sketch, in bytes; None where it says nothing."""

    flash_bytes: int | None
    ram_bytes: int | None

    def to_dict(self) -> dict[str, int | None]:
        """JSON content."""
        return {"flash_bytes": self.flash_bytes, "ram_bytes": self.ram_bytes}


def unavailable(board: Board) -> str | None:
    """Why an image for the real board cannot be built on this host; None when it can."""
    if board.arduino is None:
        return f"{board.name} has no Arduino core in the catalogue"
    if shutil.which(TOOL) is None:
        return f"{TOOL} is not installed"
    listed = _run(["core", "list", "--json"])
    if board.arduino.core not in installed_cores(listed.stdout):
        return f"{TOOL} has no core {board.arduino.core}"
    return None


def installed_cores(listing: str) -> set[str]:
    """Ids in the output of `core list --json`: a list before arduino-cli 1.0, an object since."""
    content = _json(listing)
    rows = content.get("platforms") or [] if isinstance(content, dict) else content
    return {str(row.get("id")) for row in rows if isinstance(row, dict)}


def compile_arguments(arduino: Arduino, library: Path, sketch: Path, out: Path) -> list[str]:
    """Arguments of `arduino-cli compile`; artefacts are written to `out`."""
    return [
        *("compile", "--json", "--fqbn", arduino.fqbn, "--library", str(library)),
        *("--output-dir", str(out), str(sketch)),
    ]


def compile_sizes(report: str) -> Sizes:
    """Sizes from the report of a compilation.

    Raises
    ------
    ConversionError
        It failed: the first error of the compiler.
    """
    content = _json(report)
    if not isinstance(content, dict) or not content.get("success"):
        said = str(content.get("compiler_err", "")) if isinstance(content, dict) else ""
        telling = [line.strip() for line in said.splitlines() if "error" in line.lower()]
        raise ConversionError(f"{TOOL} compile: {(telling or ['no reason given'])[0]}")
    sections = (content.get("builder_result") or {}).get("executable_sections_size") or []
    sizes = {section.get("name"): section.get("size") for section in sections}
    return Sizes(sizes.get("text"), sizes.get("data"))


def build(library: ArduinoLibrary, board: Board) -> tuple[Image, Sizes]:
    """Compile the library's sketch and seal its bytes.

    Raises
    ------
    ConversionError
        It cannot be built here, the compiler refuses it, or the board's bytes cannot be sealed.
    """
    problem = unavailable(board)
    if problem is not None or board.arduino is None:
        raise ConversionError(f"no image for {library.header.target}: {problem}", "install it")
    if not board.arduino.flat:
        raise ConversionError(
            f"what {TOOL} links for {board.name} is no flat image", "upload it with arduino-cli"
        )
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "out"
        folder = library.write(Path(scratch))
        sketch = folder / library.sketch
        done = _run(compile_arguments(board.arduino, folder, sketch, out))
        sizes = compile_sizes(done.stdout)
        linked = (out / f"{sketch.name}.ino.bin").read_bytes()
    return seal(linked, board, sizes.ram_bytes or 0), sizes


def seal(linked: bytes, board: Board, ram_bytes: int = 0) -> Image:
    """Write load address, sizes and CRC of the whole image into its header.

    Raises
    ------
    ImageError, ConversionError
        No header or two in the bytes, or one for another board or target.
    """
    at, header = header_offset(linked), parse_header(linked)
    if (header.board, header.target) != (board.name, board.real_target):
        raise ConversionError(
            f"the linked image is for {header.board} ({header.target}), not {board.name}",
            "build the library that was exported for this board",
        )
    start = board.flash.base_address + board.flash.app_offset
    # Whole words: the drivers of some boards write nothing less.
    padded = linked + b"\xff" * (-len(linked) % 4)
    header = replace(header, load_address=start, ram_bytes=ram_bytes)
    header = replace(header, image_size=len(padded), image_crc32=0)
    whole = padded[:at] + header.pack() + padded[at + len(header.pack()) :]
    header = replace(header, image_crc32=image_crc(whole))
    whole = padded[:at] + header.pack() + padded[at + len(header.pack()) :]
    return Image(board.flash.app_offset, whole, "firmware", header)


def _run(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    # By these the tool finds its settings and its cores.
    places = {name: os.environ[name] for name in os.environ if name.startswith(_PLACES)}
    try:
        return subprocess.run(
            [TOOL, *arguments],
            env=bare_environment() | places,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60 * _MINUTES,
            check=False,
        )
    except FileNotFoundError:
        raise ConversionError(f"{TOOL} is not installed", "install it, or build by hand") from None
    except subprocess.TimeoutExpired:
        raise ConversionError(f"{TOOL} did not end in {_MINUTES} minutes") from None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise ConversionError(f"{TOOL} gave no JSON: {text.strip()[:80]!r}", "update it") from None
