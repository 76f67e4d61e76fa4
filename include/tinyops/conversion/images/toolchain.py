"""arm-none-eabi-gcc: compile, link, measure. Errors become one line that says what to do."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import tinyops
from tinyops.conversion.tflite.errors import CompilerMissing, ConversionError, DoesNotFit
from tinyops.environment import bare_environment

FIRMWARE = Path(tinyops.__file__).resolve().parent / "firmware"
PREFIX = "arm-none-eabi-"
CPU = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
# No contraction: the frontend must round as on the host, which has no fused multiply-add.
COMMON = ("-std=c11", "-O2", "-ffunction-sections", "-fdata-sections", "-ffp-contract=off")
STRICT = ("-Wall", "-Wextra", "-Werror")
_SECONDS = 900
_TELLING = re.compile(r"\berror: |undefined reference|cannot find|invalid assignment")
LINK = ("-nostartfiles", "--specs=nano.specs", "--specs=nosys.specs", "-Wl,--gc-sections")


@dataclass(frozen=True)
class SectionSizes:
    """Linked sizes in bytes. `flash_bytes` is everything that is flashed: code, constants, initial
    data, padding and the parameter pages. RAM is data, bss and the reserved stack."""

    text: int
    data: int
    bss: int
    stack: int
    parameters: int
    flash_bytes: int

    @property
    def ram_bytes(self) -> int:
        """Everything that is reserved."""
        return self.data + self.bss + self.stack

    def to_dict(self) -> dict[str, int]:
        """JSON content."""
        return {**asdict(self), "ram_bytes": self.ram_bytes}


def compile_sources(
    sources: Sequence[Path], include_dirs: Sequence[Path], folder: Path, flags: Sequence[str]
) -> list[Path]:
    """Object files of `sources` in `folder`, which is made for them alone.

    Raises
    ------
    CompilerMissing
        No compiler.
    ConversionError
        A source that it refuses: file, line and reason.
    """
    folder.mkdir(parents=True, exist_ok=True)
    includes = [f"-I{path.resolve()}" for path in include_dirs]
    files = [str(path.resolve()) for path in sources]
    _run(["gcc", *CPU, *COMMON, *flags, *includes, "-c", *files], folder)
    return [folder / f"{path.stem}.o" for path in sources]


def link(
    objects: Sequence[Path],
    script: Path,
    symbols: Mapping[str, int],
    elf: Path,
    board: str,
) -> SectionSizes:
    """Link to `elf`, with a map and a flat .bin beside it.

    Raises
    ------
    DoesNotFit
        Flash or RAM overflows; the message says by how much.
    ConversionError
        Anything else that the linker says.
    """
    defined = [f"-Wl,--defsym={name}={value:#x}" for name, value in symbols.items()]
    command = ["gcc", *CPU, *LINK, *defined, f"-Wl,-Map={elf.with_suffix('.map').resolve()}"]
    command += ["-T", str(script), *[str(path.resolve()) for path in objects]]
    command += ["-o", str(elf.resolve())]
    try:
        _run(command, elf.parent)
    except ConversionError as error:
        raise _overflow(error.__cause__, board) or error from None
    binary = elf.with_suffix(".bin")
    _run(["objcopy", "-O", "binary", "--gap-fill=0xff", str(elf), str(binary)], elf.parent)
    return _sizes(elf)


class _ToolError(Exception):
    """All that a tool wrote to standard error."""


def _run(arguments: list[str], folder: Path) -> str:
    tool = PREFIX + arguments[0]
    try:
        done = subprocess.run(
            [tool, *arguments[1:]],
            cwd=folder,
            env=bare_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise ConversionError(
            f"{tool} takes more than {_SECONDS} s", "make the model smaller, or free the host"
        ) from None
    except FileNotFoundError:
        raise CompilerMissing(
            f"no {tool}", "install gcc-arm-none-eabi and libnewlib-arm-none-eabi (packages.txt)"
        ) from None
    if done.returncode:
        raise ConversionError(f"{tool}: {_reason(done.stderr)}") from _ToolError(done.stderr)
    return done.stdout


def _reason(stderr: str) -> str:
    # The linker warns first and the driver closes with a line that says nothing.
    lines = [line.strip() for line in stderr.splitlines() if "collect2:" not in line]
    telling = [line for line in lines if _TELLING.search(line)]
    return (telling or lines or ["no reason given"])[0]


def object_bytes(path: Path) -> int:
    """Code, constants and initial data of an object file."""
    listing = _run(["size", str(path)], path.parent).splitlines()
    text, data, *_ = listing[1].split()
    return int(text) + int(data)


def _overflow(cause: BaseException | None, board: str) -> DoesNotFit | None:
    found = re.findall(r"region [`'](\w+)' overflowed by (\d+) bytes", str(cause))
    if not found:
        return None
    parts = [f"{name} by {int(size):,} bytes".replace("FLASH", "flash") for name, size in found]
    return DoesNotFit(
        f"the image overflows {' and '.join(parts)} on {board}",
        "use a smaller model or window, or a board with more memory",
    )


def _sizes(elf: Path) -> SectionSizes:
    listing = _run(["size", "-A", str(elf)], elf.parent)
    found = {
        row[0]: int(row[1])
        for row in map(str.split, listing.splitlines())
        if row[1:2] and row[0].startswith(".")
    }
    return SectionSizes(
        text=found.get(".text", 0),
        data=found.get(".data", 0),
        bss=found.get(".bss", 0),
        stack=found.get(".stack", 0),
        parameters=found.get(".parameters", 0),
        flash_bytes=elf.with_suffix(".bin").stat().st_size,
    )
