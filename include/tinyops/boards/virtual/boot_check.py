"""What a virtual bootloader looks at before it starts an application."""

from __future__ import annotations

from tinyops.boards.image import HEADER_OFFSET, HEADER_SIZE, ImageError, load_image
from tinyops.boards.virtual.flash_memory import FlashMemory


def bootable(flash: FlashMemory, app: int) -> bool:
    """Whether an intact image lies at `app`, bytes from the start of flash.

    Real boards check a signature or a hash in the vendor's own format; this one checks the header
    and the CRC-32 that every image of TinyOps carries.
    """
    try:
        image = load_image(flash.read(app, flash.size - app), app)
    except ImageError:
        return False
    return image.header.image_size >= HEADER_OFFSET + HEADER_SIZE
