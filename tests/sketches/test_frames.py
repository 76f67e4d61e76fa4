"""Frames and files of frames: exact bytes out, and no rubbish in that is taken for counts."""

from __future__ import annotations

import random
import struct
from dataclasses import replace
from itertools import pairwise

import pytest
import zstandard

from tinyops.boards.frames import crc16
from tinyops.sketches.frames import (
    FIRST,
    FRAME_BYTES,
    LOST,
    FrameError,
    FrameRecord,
    SketchFrame,
    decode_records,
    encode_records,
    tag_byte,
)

FRAME = SketchFrame(
    model=0xAB,
    reference=0x3C,
    window=0x1234,
    n=64,
    flags=FIRST | LOST,
    histograms=((8,) * 8, (64, 0, 0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 0, 0, 0, 64)),
    out_of_range=(0, 3, 64),
    confidence=(1, 2, 3, 4, 5, 6, 7, 36),
    classes=(60, 0, 0, 0, 0, 0, 0, 4),
)
BYTES = (
    "11ab3c34124005"
    "08080808080808" + "40000000000000" + "00000000000000"
    "000340"
    "01020304050607"
    "3c00000000000004"
)
RECORD = FrameRecord(
    project="motor_health",
    gateway="line-3",
    device="motor-health-1",
    board="nano33ble-sense",
    target="nano33ble-sense-qemu-virtual",
    version="v1",
    model_sha256="ab" * 32,
    reference_tag="0123456789ab",
    epoch=1_790_000_000,
    window=70_000,
    received_at="2026-10-01T10:00:00+00:00",
    virtual=True,
    frame=FRAME.pack(),
)


def counts(chance: random.Random, n: int) -> tuple[int, ...]:
    cuts = sorted([0, n, *(chance.randint(0, n) for _ in range(7))])
    return tuple(high - low for low, high in pairwise(cuts))


def drawn(chance: random.Random) -> SketchFrame:
    n = chance.randint(0, 255)
    return SketchFrame(
        model=chance.randrange(256),
        reference=chance.randrange(256),
        window=chance.randrange(65536),
        n=n,
        flags=chance.randrange(8),
        histograms=tuple(counts(chance, n) for _ in range(3)),
        out_of_range=tuple(chance.randint(0, n) for _ in range(3)),
        confidence=counts(chance, n),
        classes=counts(chance, n),
    )


def test_the_bytes_are_those_of_the_definition() -> None:
    body = bytes.fromhex(BYTES)
    assert FRAME.pack() == body + crc16(body).to_bytes(2, "little")
    assert len(FRAME.pack()) == FRAME_BYTES


def test_any_frame_comes_back() -> None:
    chance = random.Random(1)
    for _ in range(2000):
        frame = drawn(chance)
        assert SketchFrame.unpack(frame.pack()) == frame


def test_one_damaged_byte_is_always_seen() -> None:
    chance = random.Random(2)
    for at in range(FRAME_BYTES):
        data = bytearray(drawn(chance).pack())
        data[at] ^= chance.randrange(1, 256)
        with pytest.raises(FrameError):
            SketchFrame.unpack(bytes(data))


@pytest.mark.parametrize(
    ("at", "value", "word"),
    [
        (0, 0x12, "kind"),
        (7, 9, "histogram 0"),
        (14, 65, "histogram 1"),
        (28, 65, "out of range"),
        (31, 200, "confidence"),
        (38, 59, "classes"),
        (5, 63, "does not sum"),
    ],
)
def test_impossible_counts_under_a_right_crc_are_refused(at: int, value: int, word: str) -> None:
    data = bytearray(FRAME.pack()[:-2])
    data[at] = value
    if at == 7:
        data[8] = 250
    with pytest.raises(FrameError, match=word):
        SketchFrame.unpack(bytes(data) + crc16(bytes(data)).to_bytes(2, "little"))


@pytest.mark.parametrize("size", [0, 1, FRAME_BYTES - 1, FRAME_BYTES + 1, 1000])
def test_another_size_is_no_frame(size: int) -> None:
    with pytest.raises(FrameError, match=f"{size} bytes"):
        SketchFrame.unpack(random.Random(size).randbytes(size))


def test_random_bytes_never_raise_anything_else() -> None:
    chance = random.Random(3)
    for _ in range(5000):
        body = b"\x11" + chance.randbytes(45)
        data = body + crc16(body).to_bytes(2, "little")
        try:
            assert SketchFrame.unpack(data).pack() == data
        except FrameError:
            continue


def test_a_tag_s_byte_is_the_low_one_of_its_crc() -> None:
    assert tag_byte("123456789") == 0xC3  # the check value of CRC-16/XMODEM is 0x31C3
    assert tag_byte("") == 0


def test_records_come_back_and_the_same_records_give_the_same_bytes() -> None:
    chance = random.Random(4)
    records = [
        replace(RECORD, device=f"d-{number}", window=64 * number, frame=drawn(chance).pack())
        for number in range(300)
    ]
    data = encode_records(records)
    assert data == encode_records(records)
    assert decode_records(data) == (records, [])
    assert decode_records(encode_records([])) == ([], [])
    assert len(data) < 300 * 100
    assert records[7].sketch().pack() == records[7].frame


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epoch", -1),
        ("epoch", 10**30),
        ("window", 1.5),
        ("window", True),
        ("virtual", 1),
        ("device", None),
        ("device", "two\nlines"),
        ("project", "x" * 300),
        ("received_at", "yesterday"),
        ("received_at", "2026-10-01T10:00:00"),
    ],
)
def test_a_wrong_field_is_named_and_the_other_records_stay(field: str, value: object) -> None:
    wrong = replace(RECORD, **{field: value})  # type: ignore[arg-type]
    records, problems = decode_records(encode_records([RECORD, wrong, RECORD]))
    assert records == [RECORD, RECORD]
    assert len(problems) == 1
    assert problems[0].startswith("record 1: ")
    assert field in problems[0]


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"1", b"{}", b'{"project": 1}', b"[" * 60_000, b"\xff\xfe"]
)
def test_a_record_that_is_no_record_is_a_problem(text: bytes) -> None:
    piece = struct.pack("<H", len(text)) + text + FRAME.pack()
    good = RECORD.pack()
    data = zstandard.compress(
        b"".join(struct.pack("<I", len(each)) + each for each in (piece, good))
    )
    records, problems = decode_records(data)
    assert records == [RECORD]
    assert len(problems) == 1


def test_a_file_that_is_cut_off_within_keeps_what_came_before() -> None:
    inner = zstandard.decompress(encode_records([RECORD, RECORD]))
    half = len(inner) // 2
    for size in (half + 2, half + 4, len(inner) - 1):
        records, problems = decode_records(zstandard.compress(inner[:size]))
        assert records == [RECORD]
        assert problems == ["record 1: cut off"]


def test_rubbish_files_raise_a_frame_error_or_give_problems() -> None:
    chance = random.Random(5)
    good = encode_records([RECORD] * 20)
    inner = zstandard.decompress(good)
    for _ in range(1000):
        outer, within = bytearray(good), bytearray(inner)
        outer[chance.randrange(len(outer))] ^= chance.randrange(1, 256)
        within[chance.randrange(len(within))] ^= chance.randrange(1, 256)
        for data in (bytes(outer), good[: chance.randrange(len(good))], chance.randbytes(100)):
            try:
                decode_records(data)
            except FrameError:
                continue
        records, problems = decode_records(zstandard.compress(bytes(within)))
        assert len(records) + len(problems) <= 20


def test_a_file_that_unpacks_to_very_much_is_not_unpacked() -> None:
    bomb = zstandard.compress(bytes(65 << 20))
    assert len(bomb) < 10_000
    with pytest.raises(FrameError, match="68157440 bytes unpacked"):
        decode_records(bomb)
