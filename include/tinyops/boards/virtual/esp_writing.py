"""Content on its way into the flash of an ESP32, between a BEGIN and an END request."""

from __future__ import annotations

import zlib

from tinyops.boards.virtual.esp_packet import Failure, Refused
from tinyops.boards.virtual.flash_memory import FlashMemory


def check_range(flash: FlashMemory, address: int, size: int) -> None:
    """Refuse what is not inside the flash."""
    if address + size > flash.size:
        raise Refused(Failure.RESULT)


def erase(flash: FlashMemory, address: int, size: int) -> int:
    """All sectors that a range touches; returns the end of the last."""
    check_range(flash, address, size)
    start = address // flash.page * flash.page
    end = -(-(address + size) // flash.page) * flash.page
    flash.erase(start, end - start)
    return end


class Writing:
    """Takes blocks in order, as they come.

    Parameters
    ----------
    address, size
        Where the content goes, and its bytes; for packed content those that it has unpacked.
    packed
        Whether it comes as one zlib stream.
    at_once
        Erase the whole range now, as the ROM does; the stub erases as it writes.
    """

    def __init__(
        self, flash: FlashMemory, address: int, size: int, *, packed: bool, at_once: bool
    ) -> None:
        check_range(flash, address, size)
        self.left = size
        self.packed = packed
        self._flash = flash
        self._at = address
        self._inflater = zlib.decompressobj()
        self._erased = erase(flash, address, size) if at_once else address

    def take(self, block: bytes) -> None:
        """One block.

        Raises
        ------
        Refused
            It cannot be unpacked, or there is more than was announced.
        """
        content = self._unpacked(block) if self.packed else self._plain(block)
        end = self._at + len(content)
        if end > self._erased:
            self._erased = erase(self._flash, self._erased, end - self._erased)
        self._flash.write(self._at, content)
        self._at = end
        self.left -= len(content)

    def _plain(self, block: bytes) -> bytes:
        if not self.left:
            raise Refused(Failure.TOO_MUCH)
        return block[: self.left]  # the host fills the last one up with FF

    def _unpacked(self, block: bytes) -> bytes:
        try:
            # One byte more than is to come, so that too much is seen and no more is inflated.
            content = self._inflater.decompress(block, self.left + 1)
        except zlib.error:
            raise Refused(Failure.INFLATE) from None
        if len(content) > self.left:
            raise Refused(Failure.TOO_MUCH)
        return content
