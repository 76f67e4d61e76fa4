"""What parts of a linked image take, from the linker's map."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

_TABLES = "sketch_tables"
_LINE = re.compile(
    r"^ \.(text|rodata|data|bss)\S*\s+0x[0-9a-f]+\s+0x([0-9a-f]+)\s+\S*?([^/\s]+)\.o$", re.M
)
# Members of an archive too: libc_nano.a(lib_a-memcpy.o).
_CONSTANTS = re.compile(r"^ \.rodata\S*\s+0x[0-9a-f]+\s+0x([0-9a-f]+)\s", re.M)


@dataclass(frozen=True)
class Footprint:
    """Bytes that the sketch takes; `flash_bytes` has the `table_bytes` in it."""

    flash_bytes: int
    table_bytes: int
    ram_bytes: int

    def to_dict(self) -> dict[str, int]:
        """JSON content."""
        return asdict(self)


def sketch_footprint(map_file: Path, objects: set[str]) -> Footprint:
    """Sum what these object files, named without .o, have in flash and RAM; the tables besides."""
    flash: Counter[str] = Counter()
    ram = 0
    for section, size, name in _LINE.findall(_linked(map_file)):
        if name not in objects | {_TABLES}:
            continue
        if section in ("data", "bss"):
            ram += int(size, 16)
        if section != "bss":
            flash[name] += int(size, 16)
    return Footprint(flash.total(), flash[_TABLES], ram)


def constant_bytes(map_file: Path) -> int:
    """Read-only data of the image: weights, tables, golden windows. Our script has it in .text."""
    return sum(int(size, 16) for size in _CONSTANTS.findall(_linked(map_file)))


def _linked(map_file: Path) -> str:
    # What the linker has discarded is listed before this line.
    return map_file.read_text().partition("\nLinker script and memory map\n")[2]
