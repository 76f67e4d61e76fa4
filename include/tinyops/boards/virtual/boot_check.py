"""What a virtual bootloader looks at before it starts an application: the image's own CRC.

Real bootloaders check the vendor's container (ESP-IDF's image header and SHA-256, Himax's signed
sections); virtual boards run images of TinyOps, which carry a header and a CRC instead.
"""

from __future__ import annotations

from tinyops.boards.image import HEADER_OFFSET, HEADER_SIZE, ImageError, image_crc, unpack_header
from tinyops.boards.virtual.flash_memory import FlashMemory


def bootable(flash: FlashMemory, app: int) -> bool:
    """Whether an intact image begins at flash address `app`; any other content is not one."""
    try:
        header = unpack_header(flash.read(app + HEADER_OFFSET, HEADER_SIZE))
        if header.image_size < HEADER_OFFSET + HEADER_SIZE:
            return False
        return image_crc(flash.read(app, header.image_size)) == header.image_crc32
    except (ImageError, ValueError):  # no header, or a size that flash does not have
        return False
