"""The least time that a board's line and flash leave for an image: bytes both ways, and pages.

Bytes are those of the protocol without a repetition (see the drivers), ten bits each; pages take
`PAGE_SECONDS` of the virtual board. The Nano's first page counts twice: it is blanked before all
others and written after them, so that a power cut leaves no half image. Waits of a protocol are not
in it, such as those around a reset.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

from tinyops.boards.drivers import samba_protocol, svl_packet
from tinyops.boards.virtual import virtual_board_for
from tinyops.boards.virtual.himax_bootloader import BANNER, BURNT, LAUNCHES, MENU, READY, RECEIVED
from tinyops.boards.virtual.nano_bootloader import CHIP, VERSION
from tinyops.boards.virtual.wire import START_TO_STOP
from tinyops.boards.virtual.xmodem_receiver import BLOCK, PACKET

USB_BYTES_PER_SECOND = 1e6
"""As `Nano33Ble.bytes_per_second` has it."""


def svl(content: bytes) -> int:
    """Autobaud, version, BL; each frame and its NEXT; DONE."""
    empty = len(svl_packet.packet(svl_packet.NEXT))
    frames = -(-len(content) // svl_packet.FRAME_BYTES)
    greeting = len(svl_packet.AUTOBAUD + svl_packet.packet(svl_packet.VERSION, b"\6"))
    padding = -len(content) % 4
    return greeting + 2 * empty + frames * 2 * empty + len(content) + padding + empty


def samba(content: bytes) -> int:
    """N, V, I, K; for each page S, its bytes, Y, Y and Z."""
    page = samba_protocol.PAGE
    commands = b"S%08X,%08X#" % (0, page), b"Y%08X,0#" % 0, b"Y%08X,%08X#" % (0, 0)
    check, answers = b"Z%08X,%08X#" % (0, 0), b"Y\n\rY\n\rZ%08X#\n\r" % 0
    around = sum(map(len, (*commands, check, answers)))
    talk = len(b"N#\n\rV#I#K#" + VERSION + CHIP)
    return talk + (pages(content, page) + BLANKED["nano33ble-sense"]) * (page + around)


def xmodem(content: bytes) -> int:
    """The texts and keys around a file; C; each block and its ACK; EOT and its ACK."""
    texts = BANNER + MENU + READY + RECEIVED % len(content) + BURNT + MENU + LAUNCHES
    return len(texts + b"110C") + pages(content, BLOCK) * (PACKET + 1) + 2


def deflated(content: bytes) -> int:
    """For esptool: the packed image alone, without the stub, commands and frames around it."""
    return len(zlib.compress(content, 9))


BYTES: dict[str, Callable[[bytes], int]] = {
    "sparkfun-edge2": svl,
    "nano33ble-sense": samba,
    "himax-we1-plus": xmodem,
    "esp-eye": deflated,
}
BLANKED = {"nano33ble-sense": 1}
"""Pages that are written twice."""


def pages(content: bytes, size: int) -> int:
    """How many pages or blocks of `size` bytes hold the content."""
    return -(-len(content) // size)


def least_seconds(board: str, content: bytes, baud: int) -> float:
    """What line and flash take for an image at `baud`; the Nano's line is USB."""
    kind = virtual_board_for(board)
    rate = baud / START_TO_STOP if kind.BRIDGED else USB_BYTES_PER_SECOND
    written = pages(content, kind.PAGE_BYTES) + BLANKED.get(board, 0)
    return BYTES[board](content) / rate + written * kind.PAGE_SECONDS
