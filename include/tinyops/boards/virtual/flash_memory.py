"""The flash of a virtual board: NOR rules, kept in a file that survives power cuts."""

from __future__ import annotations

import mmap
from pathlib import Path

from tinyops.boards.errors import BoardError

BLANK = 0xFF


class FlashMemory:
    """`size` bytes from address 0, erased to FF by whole pages; a write only clears bits.

    Parameters
    ----------
    path
        The file that holds the content; made blank when it is not there.
    size, page
        Bytes; `size` is a multiple of `page`.
    """

    def __init__(self, path: Path, size: int, page: int) -> None:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes([BLANK]) * size)
        if path.stat().st_size != size:
            raise BoardError(
                f"{path} has {path.stat().st_size} bytes, the board's flash has {size}",
                "remove it to begin with blank flash",
            )
        self.size = size
        self.page = page
        self.erased_pages = 0
        """Since power on."""
        with path.open("r+b") as file:
            self._content = mmap.mmap(file.fileno(), size)

    def read(self, address: int, size: int) -> bytes:
        """Bytes of flash; a range outside it is a ValueError."""
        self._check(address, size)
        return self._content[address : address + size]

    def erase(self, address: int, size: int) -> None:
        """Whole pages to FF."""
        self._check(address, size)
        if address % self.page or size % self.page:
            raise ValueError(f"0x{address:x}+{size} is not made of whole pages")
        self._content[address : address + size] = bytes([BLANK]) * size
        self.erased_pages += size // self.page

    def write(self, address: int, data: bytes) -> None:
        """Clear bits: what is there AND `data`."""
        self._check(address, len(data))
        old = int.from_bytes(self._content[address : address + len(data)], "little")
        new = old & int.from_bytes(data, "little")
        self._content[address : address + len(data)] = new.to_bytes(len(data), "little")

    def close(self) -> None:
        """Write everything to the file."""
        self._content.flush()
        self._content.close()

    def _check(self, address: int, size: int) -> None:
        if address < 0 or size < 0 or address + size > self.size:
            raise ValueError(f"0x{address:x}+{size} is outside the flash of {self.size} bytes")
