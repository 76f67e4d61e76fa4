"""The Python end of the link against its one definition, firmware/link/link.h."""

from __future__ import annotations

import ctypes
import random
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinyops
from tinyops.boards import frames, image, messages
from tinyops.boards.link import Decoder, Frame, crc16, encode
from tinyops.emulation import chip

LINK = Path(tinyops.__file__).parent / "firmware" / "link"
DEFINES = dict(
    re.findall(r"^#define (\w+) (0x[0-9a-fA-F]+|\d+)\b", (LINK / "link.h").read_text(), re.M)
)
STRUCTS = {
    "link_image_header": image._STRUCT,
    "link_selftest": messages._SELFTEST,
    "link_infer": messages._INFER,
    "link_decision": messages._DECISION,
    "link_fault": messages._FAULT,
}


@pytest.fixture(scope="session")
def c_link(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("link")
    sizes = folder / "sizes.c"
    sizes.write_text(
        '#include "link.h"\n'
        "size_t size_of_decoder(void) { return sizeof(link_decoder); }\n"
        "size_t length_at(void) { return offsetof(link_decoder, length); }\n"
        "size_t size_of_link_hello(void) { return sizeof(link_hello); }\n"
        "size_t crc_at(void) { return offsetof(link_image_header, image_crc32); }\n"
        + "".join(f"size_t size_of_{name}(void) {{ return sizeof({name}); }}\n" for name in STRUCTS)
    )
    library = folder / "link.so"
    command = ["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC"]
    command += ["-fsanitize=undefined", "-fno-sanitize-recover=all"]
    sources = [str(path) for path in sorted(LINK.glob("*.c"))]
    subprocess.run([*command, f"-I{LINK}", *sources, str(sizes), "-o", str(library)], check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.link_encode.restype = ctypes.c_size_t
    loaded.link_crc16.restype = ctypes.c_uint16
    loaded.link_crc32.restype = ctypes.c_uint32
    return loaded


def c_encode(link: ctypes.CDLL, payload: bytes) -> bytes:
    out = ctypes.create_string_buffer(int(DEFINES["LINK_MAX_BODY"]) + 64)
    length = link.link_encode(payload, ctypes.c_size_t(len(payload)), out)
    return out.raw[:length]


def c_decode(link: ctypes.CDLL, data: bytes) -> tuple[list[bytes], int]:
    decoder = ctypes.create_string_buffer(link.size_of_decoder())
    payloads, bad = [], 0
    for byte in data:
        event = link.link_decode(decoder, ctypes.c_uint8(byte))
        if event == 1:
            length = int.from_bytes(decoder.raw[link.length_at() :][:2], "little")
            payloads.append(decoder.raw[:length])
        bad += event == 2
    return payloads, bad


def test_constants_are_those_of_the_header() -> None:
    for name in (
        *("HELLO", "SELFTEST", "DATA", "INFER", "DECISION", "FRAME", "OUTPUT"),
        *("REPLY", "FAULT", "ERROR"),
    ):
        assert getattr(messages, name) == int(DEFINES[f"LINK_{name}"], 0), name
    assert int(DEFINES["LINK_MAX_BODY"]) == frames.MAX_BODY
    assert int(DEFINES["LINK_IMAGE_HEADER_OFFSET"], 0) == image.HEADER_OFFSET
    assert int(DEFINES["LINK_IMAGE_FORMAT"]) == image.FORMAT
    assert int(DEFINES["LINK_MAX_CLASSES"]) == messages.MAX_CLASSES
    assert int(DEFINES["LINK_INFER_WINDOW"]) == messages.INFER_WINDOW
    assert int(DEFINES["LINK_INFER_RESET"]) == messages.INFER_RESET
    assert int(DEFINES["SENSOR_REQUEST"], 0) == messages.SENSOR_REQUEST
    assert int(DEFINES["LINK_CHIP_ID_BYTES"]) == messages._CHIP_ID_BYTES == chip.CHIP_ID_BYTES
    assert int(DEFINES["VIRTUAL_CHIP_ID_OFFSET"], 0) == chip.CHIP_ID_OFFSET
    codes = {int(value) for name, value in DEFINES.items() if name.startswith("LINK_ERROR_")}
    assert codes == set(messages.ERROR_TEXTS)


def test_structs_have_the_sizes_of_the_header(c_link: ctypes.CDLL) -> None:
    for name, layout in STRUCTS.items():
        assert getattr(c_link, f"size_of_{name}")() == layout.size, name
    assert c_link.size_of_link_hello() == messages.HELLO_SIZE
    assert c_link.crc_at() == image._CRC_OFFSET


def test_checksums_are_the_same(c_link: ctypes.CDLL) -> None:
    import zlib

    data = random.Random(1).randbytes(999)
    assert crc16(b"123456789") == 0x31C3
    size = ctypes.c_size_t(len(data))
    assert c_link.link_crc16(ctypes.c_uint16(0), data, size) == crc16(data)
    assert c_link.link_crc32(ctypes.c_uint32(0), data, size) == zlib.crc32(data)


bodies = st.one_of(
    st.binary(max_size=1024),
    st.integers(0, 1024).map(lambda size: bytes(size)),
    st.integers(250, 1024).map(lambda size: b"\xff" * size),
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.integers(0, 255), st.integers(0, 255), bodies)
def test_both_ends_write_and_read_the_same_bytes(
    c_link: ctypes.CDLL, kind: int, sequence: int, body: bytes
) -> None:
    frame = Frame(kind, sequence, body)
    payload = bytes((kind, sequence)) + body
    data = encode(frame)
    assert c_encode(c_link, payload) == data
    assert c_decode(c_link, data) == ([payload], 0)
    assert Decoder().feed(data) == [frame]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.binary(max_size=3000), st.integers(1, 700))
def test_noise_is_survived_alike(c_link: ctypes.CDLL, noise: bytes, piece: int) -> None:
    good = Frame(1, 2, b"after the noise")
    data = noise + b"\0" + encode(good)
    decoder = Decoder()
    found: list[Frame] = []
    for at in range(0, len(data), piece):
        found += decoder.feed(data[at : at + piece])
    payloads, bad = c_decode(c_link, data)
    assert found[-1] == good
    assert payloads == [bytes((frame.type, frame.sequence)) + frame.body for frame in found]
    assert bad == decoder.bad


def test_a_flipped_bit_is_never_accepted() -> None:
    data = encode(Frame(3, 9, bytes(range(40))))
    for bit in range(8 * (len(data) - 1)):
        broken = bytearray(data)
        broken[bit // 8] ^= 1 << bit % 8
        assert Decoder().feed(bytes(broken)) == []


def test_a_body_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="1025"):
        encode(Frame(1, 1, bytes(1025)))
