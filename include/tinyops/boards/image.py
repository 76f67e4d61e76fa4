"""Images: bytes for one target, and the header that says what they are."""

from __future__ import annotations

import struct
import zlib
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tinyops.errors import TinyOpsError
from tinyops.names import is_name

MAGIC = b"TOPS"
FORMAT = 1
HEADER_OFFSET = 0x200
_STRUCT = struct.Struct("<4sHH32s64s24s32s8s32s32s6I")
HEADER_SIZE = _STRUCT.size
_CRC_OFFSET = HEADER_SIZE - 4
_BEGINNING = struct.pack("<4sHH", MAGIC, FORMAT, HEADER_SIZE)

Role = Literal["firmware", "model", "parameters"]


class ImageError(TinyOpsError):
    """Bytes are not an image of TinyOps, or not a whole one."""


@dataclass(frozen=True)
class ImageHeader:
    """The header, field by field as in firmware/link/link.h; sizes and addresses in bytes."""

    project: str
    version: str
    board: str
    target: str
    runtime: str
    model_sha256: str
    reference_tag: str
    model_bytes: int
    arena_bytes: int
    ram_bytes: int
    load_address: int
    image_size: int
    image_crc32: int

    def pack(self) -> bytes:
        """The header's bytes.

        Raises
        ------
        ImageError
            A text does not fit its field.
        """
        texts = [
            _field(name, getattr(self, name), size)
            for name, size in (
                ("project", 32),
                ("version", 64),
                ("board", 24),
                ("target", 32),
                ("runtime", 8),
            )
        ]
        return _STRUCT.pack(
            MAGIC,
            FORMAT,
            HEADER_SIZE,
            *texts,
            bytes.fromhex(self.model_sha256).ljust(32, b"\0"),
            _field("reference_tag", self.reference_tag, 32),
            self.model_bytes,
            self.arena_bytes,
            self.ram_bytes,
            self.load_address,
            self.image_size,
            self.image_crc32,
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON content."""
        return asdict(self)


@dataclass(frozen=True)
class Image:
    """Bytes for one target: `offset` is where they go in flash, counted from its start.

    Parameter pages, if any, follow the `header.image_size` bytes that the CRC covers.
    """

    offset: int
    bytes: bytes
    role: Role
    header: ImageHeader

    @property
    def intact(self) -> bool:
        """Whether the bytes have the CRC that their header names."""
        return image_crc(self.bytes) == self.header.image_crc32


def unpack_header(data: bytes, reported: bool = False) -> ImageHeader:
    """The header from its own bytes (a HELLO begins with them).

    Parameters
    ----------
    reported
        A device says so of the image that it runs: a text that is no name is taken for none.

    Raises
    ------
    ImageError
        Too short, not TinyOps, a format that this version does not know, or a text that is no name.
    """
    if len(data) < HEADER_SIZE:
        raise ImageError(f"an image header has {HEADER_SIZE} bytes, here are {len(data)}")
    magic, form, size, *fields = _STRUCT.unpack_from(data)
    if magic != MAGIC:
        raise ImageError("no TinyOps image header here", "give an image made by `tinyops compile`")
    if form != FORMAT or size != HEADER_SIZE:
        raise ImageError(f"image header format {form} is unknown", "use the release that made it")
    project, version, board, target, runtime, digest, tag, *numbers = fields
    texts = {"project": project, "version": version, "board": board, "target": target}
    texts |= {"runtime": runtime, "reference_tag": tag}
    *named, tag = (_text(name, field, reported) for name, field in texts.items())
    return ImageHeader(*[*named, digest.hex(), tag, *numbers])


def header_offset(image: bytes) -> int:
    """Where the header is: at HEADER_OFFSET, or where a vendor's linker script has put it.

    Raises
    ------
    ImageError
        There is more than one place where it may be. None: HEADER_OFFSET, where none will be found.
    """
    if image[HEADER_OFFSET:].startswith(MAGIC):
        return HEADER_OFFSET
    at = image.find(_BEGINNING)
    if at != image.rfind(_BEGINNING):
        raise ImageError("two TinyOps image headers in one image", "build it again")
    return at if at >= 0 else HEADER_OFFSET


def parse_header(image: bytes) -> ImageHeader:
    """The header of an application image; errors as in `header_offset` and `unpack_header`."""
    return unpack_header(image[header_offset(image) :])


def load_image(data: bytes, offset: int, role: Role = "firmware") -> Image:
    """An image from its bytes.

    Raises
    ------
    ImageError
        No header, or the bytes do not have the CRC that the header names.
    """
    image = Image(offset, data, role, parse_header(data))
    if image.header.load_address == 0:
        raise ImageError(
            f"the image of {image.header.project} {image.header.version} was not sealed",
            "upload it with arduino-cli or the IDE",
        )
    if len(data) < image.header.image_size or not image.intact:
        raise ImageError(
            f"the image of {image.header.project} {image.header.version} is damaged",
            "fetch or build it again",
        )
    return image


def image_crc(image: bytes) -> int:
    """CRC-32 (zlib) over the header's image_size bytes, its own field read as zero."""
    size = parse_header(image).image_size
    at = header_offset(image) + _CRC_OFFSET
    crc = zlib.crc32(image[:at])
    crc = zlib.crc32(bytes(4), crc)
    return zlib.crc32(image[at + 4 : size], crc)


def nonce_crc(image: bytes, nonce: int) -> int:
    """What SELFTEST answers for a nonce: CRC-32 over nonce LE and the bytes as they are."""
    size = parse_header(image).image_size
    return zlib.crc32(image[:size], zlib.crc32(struct.pack("<I", nonce)))


def _field(name: str, text: str, size: int) -> bytes:
    data = text.encode()
    if len(data) >= size:
        raise ImageError(f"{name} {text!r} has {len(data)} bytes", f"use at most {size - 1}")
    return data


def _text(name: str, field: bytes, reported: bool) -> str:
    """A header's text: a name, or "" where the image has none."""
    text = field.rstrip(b"\0").decode("ascii", "replace")
    if text and not is_name(text):
        if reported:
            return ""
        raise ImageError(
            f"image header: {name} {text!r}, expected letters, digits and ._-",
            "give an image made by `tinyops compile`",
        )
    return text
