"""Image headers: written, read back, and damage noticed."""

from __future__ import annotations

import zlib
from dataclasses import replace

import pytest

from tinyops.boards.image import (
    HEADER_OFFSET,
    HEADER_SIZE,
    ImageError,
    ImageHeader,
    image_crc,
    load_image,
    nonce_crc,
    parse_header,
    unpack_header,
)

HEADER = ImageHeader(
    project="motor_health",
    version="run-1",
    board="nano33ble-sense",
    target="nano33ble-sense-qemu-virtual",
    runtime="aot",
    model_sha256="ab" * 32,
    reference_tag="tag",
    model_bytes=1,
    arena_bytes=2,
    ram_bytes=3,
    load_address=0x10000,
    image_size=4096,
    image_crc32=0,
)


def image(header: ImageHeader = HEADER) -> bytes:
    body = bytes(range(256)) * 32
    plain = body[:HEADER_OFFSET] + header.pack() + body[HEADER_OFFSET + HEADER_SIZE :]
    whole = replace(header, image_crc32=image_crc(plain))
    return body[:HEADER_OFFSET] + whole.pack() + body[HEADER_OFFSET + HEADER_SIZE :]


def test_a_header_comes_back() -> None:
    data = image()
    loaded = load_image(data, 0x10000)
    assert replace(loaded.header, image_crc32=0) == HEADER
    assert loaded.intact


def test_the_crc_covers_every_byte_up_to_image_size_and_none_after() -> None:
    data = image()
    for at in (0, HEADER_OFFSET + 9, HEADER_OFFSET + HEADER_SIZE, 4095):
        broken = bytearray(data)
        broken[at] ^= 1
        with pytest.raises(ImageError, match="damaged"):
            load_image(bytes(broken), 0)
    parameters = bytearray(data)
    parameters[4096] ^= 1
    assert load_image(bytes(parameters), 0).header.project == "motor_health"
    with pytest.raises(ImageError, match="damaged"):
        load_image(data[:4000], 0)


def test_the_nonce_changes_the_answer() -> None:
    data = image()
    assert nonce_crc(data, 0x01020304) == zlib.crc32(b"\4\3\2\1" + data[:4096])
    assert nonce_crc(data, 1) != nonce_crc(data, 2)


@pytest.mark.parametrize("field", ["project", "version", "board", "target", "reference_tag"])
@pytest.mark.parametrize("text", ["\x1b[31mx", "[red]x", "<script>", "a b", "..", "ä", "x\n"])
def test_a_text_that_is_no_name_is_refused(field: str, text: str) -> None:
    # HELLO begins with these bytes, and a board may send any.
    hostile = replace(HEADER, **{field: text}).pack()  # type: ignore[arg-type]
    with pytest.raises(ImageError, match=f"image header: {field} .*, expected letters") as raised:
        unpack_header(hostile)
    assert "\x1b" not in raised.value.message


def test_a_text_may_be_missing() -> None:
    assert unpack_header(replace(HEADER, reference_tag="").pack()).reference_tag == ""


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(ImageError, match="no TinyOps image"):
        parse_header(bytes(4096))
    with pytest.raises(ImageError, match="256 bytes"):
        parse_header(bytes(10))
    later = bytearray(image())
    later[HEADER_OFFSET + 4] = 9
    with pytest.raises(ImageError, match="format 9"):
        parse_header(bytes(later))
    with pytest.raises(ImageError, match="version"):
        replace(HEADER, version="x" * 64).pack()
