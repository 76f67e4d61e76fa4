"""Frames: what a device counts of some windows in 48 bytes, and what its gateway adds to them.

S-frame version 1, little endian:

    u8 kind | u8 model | u8 reference | u16 window | u8 n | u8 flags
    3 x 7 u8 histograms | 3 u8 out of range | 7 u8 confidence | 8 u8 classes | u16 CRC-16/XMODEM

The last of eight bins is not sent: it is n less the others. The firmware's end of it is
firmware/monitor.
"""

from __future__ import annotations

import binascii
import json
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

import zstandard

from tinyops.errors import TinyOpsError
from tinyops.names import is_name

FRAME_BYTES = 48
KIND = 0x11
FEATURES, BINS, CLASSES = 3, 8, 8
FIRST, SATURATED, LOST = 1, 2, 4
"""Flags: the first frame since boot; a counter saturated; frames before this one were lost."""

_HEAD = struct.Struct("<BBBHBB")
_CRC = struct.Struct("<H")
_LENGTH = struct.Struct("<I")
_JSON_LENGTH = struct.Struct("<H")
MOST_RECORDS = 1000
"""Records in one object."""
LARGEST_OBJECT = 4 << 20
"""Bytes of an object, packed or unpacked: a thousand records have about 0.5 MB unpacked."""
_LARGEST_NUMBER = 2**53
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,20}(Z|[+-][0-9]{2}:[0-9]{2})")


class FrameError(TinyOpsError):
    """Bytes are not a frame, not a record of one, or not a file of them."""


class FrameImpossible(FrameError):
    """A whole frame, with counts that its windows cannot give."""


@dataclass(frozen=True)
class SketchFrame:
    """The counts of `n` counted windows.

    Parameters
    ----------
    model
        First byte of the model's SHA-256.
    reference
        `tag_byte` of the reference tag.
    window
        Index, modulo 65536, of the first counted window since boot.
    n
        Counted windows, 0 to 255.
    flags
        FIRST, SATURATED, LOST.
    histograms
        [3][8] counts, one row a feature; each row sums to n.
    out_of_range
        [3] counts, at most n each.
    confidence
        [8] counts; they sum to n.
    classes
        [8] counts; they sum to n.

    Raises
    ------
    FrameImpossible
        Counts that n windows cannot give.
    """

    model: int
    reference: int
    window: int
    n: int
    flags: int
    histograms: tuple[tuple[int, ...], ...]
    out_of_range: tuple[int, ...]
    confidence: tuple[int, ...]
    classes: tuple[int, ...]

    def __post_init__(self) -> None:
        rows = {f"histogram {at}": row for at, row in enumerate(self.histograms)}
        rows |= {"confidence": self.confidence, "classes": self.classes}
        for name, row in rows.items():
            if min(row) < 0 or sum(row) != self.n:
                raise FrameImpossible(f"frame: {name} does not sum to its {self.n} windows")
        if max(self.out_of_range) > self.n:
            raise FrameImpossible(f"frame: more out of range than its {self.n} windows")

    def pack(self) -> bytes:
        """The 48 bytes."""
        head = (KIND, self.model, self.reference, self.window, self.n, self.flags)
        counts = [count for row in self.histograms for count in row[:-1]]
        counts += [*self.out_of_range, *self.confidence[:-1], *self.classes]
        body = _HEAD.pack(*head) + bytes(counts)
        return body + _CRC.pack(_crc16(body))

    @classmethod
    def unpack(cls, data: bytes) -> SketchFrame:
        """A frame from its bytes.

        Raises
        ------
        FrameError
            Not 48 bytes, another kind or a wrong CRC; FrameImpossible with sums beyond n.
        """
        if len(data) != FRAME_BYTES:
            raise FrameError(f"frame: {len(data)} bytes, not {FRAME_BYTES}")
        if data[0] != KIND:
            raise FrameError(f"frame: kind {data[0]:#04x} is not {KIND:#04x}")
        if _CRC.unpack(data[-2:])[0] != _crc16(data[:-2]):
            raise FrameError("frame: wrong CRC")
        _, model, reference, window, n, flags = _HEAD.unpack_from(data)
        counts = iter(data[_HEAD.size : -2])
        return cls(
            model,
            reference,
            window,
            n,
            flags,
            tuple(_with_last(counts, n) for _ in range(FEATURES)),
            tuple(next(counts) for _ in range(FEATURES)),
            _with_last(counts, n),
            tuple(counts),
        )


def window_of(data: bytes) -> int:
    """The field `window` of 48 bytes, whatever else they are: a device drops a frame by it."""
    return int(_HEAD.unpack_from(data)[3])


def tag_byte(reference_tag: str) -> int:
    """The byte of a frame that stands for a reference tag: the low byte of the text's CRC-16."""
    return _crc16(reference_tag.encode()) & 0xFF


@dataclass(frozen=True)
class FrameRecord:
    """A frame and what its gateway knows of it.

    Texts are names (`tinyops.names`), except `model_sha256` and `received_at`.

    Parameters
    ----------
    epoch
        Grows with every boot that the gateway sees of the device, and also over a gateway that has
        lost its memory: Unix time in seconds when it first saw the boot.
    window
        Index of the first counted window in the epoch, not wrapped.
    received_at
        UTC, ISO 8601.
    virtual
        Whether the board is a virtual one.
    frame
        48 bytes, as they came.
    """

    project: str
    gateway: str
    device: str
    board: str
    target: str
    version: str
    model_sha256: str
    reference_tag: str
    epoch: int
    window: int
    received_at: str
    virtual: bool
    frame: bytes

    def sketch(self) -> SketchFrame:
        """The frame's counts; FrameError as with `SketchFrame.unpack`."""
        return SketchFrame.unpack(self.frame)

    def pack(self) -> bytes:
        """u16 length of the JSON, JSON of all fields but `frame`, frame."""
        content = asdict(self)
        del content["frame"]
        text = json.dumps(content, sort_keys=True, ensure_ascii=False).encode()
        return _JSON_LENGTH.pack(len(text)) + text + self.frame

    @classmethod
    def unpack(cls, data: bytes) -> FrameRecord:
        """A record from its bytes; FrameError names the field that is wrong."""
        text, frame = data[_JSON_LENGTH.size : -FRAME_BYTES], data[-FRAME_BYTES:]
        if len(data) < _JSON_LENGTH.size + FRAME_BYTES or _JSON_LENGTH.unpack_from(data)[0] != len(
            text
        ):
            raise FrameError("record: the lengths do not fit")
        try:
            content = json.loads(text)
        except (ValueError, RecursionError):
            raise FrameError("record: not JSON") from None
        return cls(**_checked(content), frame=frame)


def encode_records(records: Iterable[FrameRecord]) -> bytes:
    """The content of one object: Zstandard of records, each behind its u32 length.

    The same records give the same bytes with the same release of zstandard.
    """
    packed = (record.pack() for record in records)
    return zstandard.compress(b"".join(_LENGTH.pack(len(each)) + each for each in packed))


def decode_records(data: bytes) -> tuple[list[FrameRecord], list[str]]:
    """Return the records of an object, and a line for each that cannot be read.

    The frames within are not looked into: see `FrameRecord.sketch`.
    Work and memory are bounded by LARGEST_OBJECT and MOST_RECORDS, whatever the bytes are.

    Raises
    ------
    FrameError
        Not one frame of Zstandard, cut off, or larger than any gateway sends.
    """
    records, problems = [], []
    for number, piece in enumerate(_pieces(_decompressed(data))):
        if number == MOST_RECORDS:
            raise FrameError(f"file of frames: more than {MOST_RECORDS} records")
        try:
            if piece is None:
                raise FrameError("record: cut off")
            records.append(FrameRecord.unpack(piece))
        except FrameError as error:
            problems.append(f"record {number}: {error.message.removeprefix('record: ')}")
    return records, problems


def _decompressed(data: bytes) -> bytes:
    if len(data) > LARGEST_OBJECT:
        raise FrameError(f"file of frames: {len(data)} bytes, expected at most {LARGEST_OBJECT}")
    try:
        # Memory for the result is taken as the header says, or else as the limit says.
        size = zstandard.frame_content_size(data)
        if size > LARGEST_OBJECT:
            raise FrameError(
                f"file of frames: {size} bytes unpacked, expected at most {LARGEST_OBJECT}"
            )
        unpack = zstandard.ZstdDecompressor(max_window_size=LARGEST_OBJECT).decompress
        return unpack(data, max_output_size=LARGEST_OBJECT, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise FrameError(f"file of frames: {error}") from None


def _pieces(data: bytes) -> Iterator[bytes | None]:
    at = 0
    while at < len(data):
        start = at + _LENGTH.size
        if start > len(data):
            yield None
            return
        at = start + _LENGTH.unpack_from(data, start - _LENGTH.size)[0]
        yield data[start:at] if at <= len(data) else None


def _checked(content: Any) -> dict[str, Any]:
    kinds = {"str": str, "int": int, "bool": bool}
    wanted = {field.name: kinds[str(field.type)] for field in fields(FrameRecord)[:-1]}
    if not isinstance(content, dict) or content.keys() != wanted.keys():
        raise FrameError("record: not the fields of a record")
    for name, kind in wanted.items():
        value = content[name]
        if type(value) is not kind or not _fits(name, value):
            raise FrameError(f"record: {name} is wrong")
    try:
        aware = datetime.fromisoformat(content["received_at"]).tzinfo is not None
    except ValueError:
        aware = False
    if not aware:
        raise FrameError("record: received_at is no time with a zone")
    return content


def _fits(name: str, value: Any) -> bool:
    if isinstance(value, str):
        if name == "received_at":
            return bool(_TIME.fullmatch(value))
        return bool(_SHA256.fullmatch(value)) if name == "model_sha256" else is_name(value)
    return 0 <= int(value) < _LARGEST_NUMBER


def _with_last(counts: Iterator[int], n: int) -> tuple[int, ...]:
    head = tuple(next(counts) for _ in range(BINS - 1))
    return (*head, n - sum(head))


def _crc16(data: bytes) -> int:
    return binascii.crc_hqx(data, 0)
