"""The device as the gateway sees it: HELLO, self-test, bad input, its own decisions."""

from __future__ import annotations

import math
import random
import socket
import struct
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.chip import CLASSES, HOP, WINDOW, booted, request, tiny_image
from tinyops.boards import messages
from tinyops.boards.frames import Frame, encode
from tinyops.boards.image import nonce_crc
from tinyops.boards.link import Link, LinkRefused
from tinyops.boards.virtual.sensor import VirtualSensor
from tinyops.conversion.images.parameters import ParameterBlock, confidences_q8, exponent_table
from tinyops.conversion.tflite.reference import Reference
from tinyops.emulation import Machine

PAGE = 4096


class Played:
    """Samples that come to an end."""

    def __init__(self, samples: NDArray[np.int16]) -> None:
        self.rest = samples
        self.asked: list[int] = []

    def read(self, frames: int) -> NDArray[np.int16]:
        self.asked.append(frames)
        taken, self.rest = self.rest[:frames], self.rest[frames:]
        return taken


def feed(machine: Machine, samples: NDArray[np.int16]) -> None:
    """Play the sensor: answer requests until the samples are used up."""
    source = Played(samples)
    sensor = VirtualSensor(source, 1.0, math.inf)
    while len(source.rest):
        sensor.feed(machine.uart1.recv(64))
        machine.uart1.sendall(sensor.answer(machine.shared_ram))
    assert source.asked == [WINDOW] + [HOP] * ((len(samples) - WINDOW) // HOP)


def decisions(link: Link, expected: int) -> messages.Decision:
    for _ in range(2000):
        found = link.decision(10)
        if found.windows >= expected:
            return found
    raise AssertionError(f"only {found.windows} of {expected} windows")


def expected_logits(samples: NDArray[np.int16]) -> NDArray[np.int8]:
    starts = range(0, len(samples) - WINDOW + 1, HOP)
    cut = np.stack([samples[start : start + WINDOW] for start in starts])
    return Reference(tiny_image().canonical).run(request().frontend.run(cut[:, :, None]))


def test_hello_says_what_runs() -> None:
    built = tiny_image()
    with booted(built.image) as (_, link, boot):
        asked = link.hello()
    assert boot.image == built.image.header
    assert (boot.boot_ok, boot.faults, boot.bad_frames) == (True, 0, 0)
    assert (boot.window, boot.hop, boot.channels, boot.outputs) == (WINDOW, HOP, 1, CLASSES)
    assert boot.parameters_sequence == 1
    assert boot.last_class is None
    assert asked.image == boot.image
    assert 0 < asked.stack_bytes < 8192


def test_selftest_runs_the_golden_windows_and_hashes_with_the_nonce() -> None:
    image = tiny_image().image
    with booted(image) as (_, link, _):
        for nonce in (0, 0xDEADBEEF):
            result = link.selftest(nonce)
            assert (result.golden, result.passed) == (4, 4)
            assert result.crc32 == nonce_crc(image.bytes, nonce)
    golden = request().frontend.run(request().golden)
    wanted = Reference(tiny_image().canonical).run(golden, sequence=len(golden))
    assert np.array_equal(result.logits, wanted)


@pytest.mark.parametrize("place", ["code", "header", "weights"])
def test_a_damaged_image_says_so_and_decides_nothing(place: str) -> None:
    image = tiny_image().image
    at = {"code": 0x400, "header": 0x200 + 60, "weights": image.header.image_size - PAGE}[place]
    damaged = bytearray(image.bytes)
    # The last constant before the padding, not code that the boot needs.
    if place == "weights":
        at = len(image.bytes[: image.header.image_size].rstrip(b"\xff")) - 8
    if place == "code":
        at = image.bytes.index(np.ascontiguousarray(request().golden[0]).tobytes())
    damaged[at] ^= 0x10
    with booted(bytes(damaged)) as (machine, link, hello):
        assert not hello.boot_ok
        assert hello.boot_crc32 != hello.image.image_crc32
        machine.uart1.settimeout(0.3)
        with pytest.raises(TimeoutError):
            machine.uart1.recv(1)
        assert link.decision().windows == 0


def test_requests_that_cannot_be_served_are_refused_and_counted() -> None:
    with booted(tiny_image().image) as (_, link, hello):
        for kind, body, code in (
            (0x33, b"", 2),
            (messages.HELLO, b"x", 3),
            (messages.SELFTEST, b"", 3),
            (messages.DATA, bytes(3), 3),
            (messages.DATA, struct.pack("<I", hello.input_bytes) + b"x", 4),
            (messages.DATA, struct.pack("<I", 2**32 - 1) + bytes(1020), 4),
            (messages.INFER, b"\4", 4),
            (messages.INFER, b"", 3),
            (messages.DECISION, b"\0", 3),
            (messages.OUTPUT, bytes(3), 3),
            (messages.OUTPUT, struct.pack("<I", 1), 4),
            (messages.FRAME, b"", 3),
            (messages.FRAME, bytes(4), 3),
            (messages.FRAME, b"\0\0\4", 4),
        ):
            with pytest.raises(LinkRefused) as refused:
                link.request(kind, body)
            assert refused.value.code == code
        assert link.hello().bad_frames == 14


def test_the_device_survives_noise() -> None:
    generator = random.Random(5)
    good = encode(Frame(messages.INFER, 9, b"\0"))
    with booted(tiny_image().image) as (machine, link, _):
        for _ in range(400):
            piece = generator.choice(
                (
                    generator.randbytes(generator.randrange(1, 400)),
                    bytes(generator.randrange(1, 50)),
                    encode(Frame(generator.randrange(256), 7, generator.randbytes(1024))),
                    good[: generator.randrange(len(good))],
                    bytes(byte ^ (generator.random() < 0.1) for byte in good),
                )
            )
            machine.uart0.sendall(piece)
            machine.uart0.settimeout(0)
            try:
                machine.uart0.recv(1 << 16)
            except BlockingIOError:
                pass
            finally:
                machine.uart0.settimeout(None)
        hello = link.hello(timeout=20)
        assert (hello.faults, hello.boot_ok) == (0, True)
        assert hello.bad_frames > 50
        assert link.selftest(1).passed == 4


def test_decisions_are_those_of_the_reference() -> None:
    generator = np.random.default_rng(3)
    samples = generator.integers(-200, 200, WINDOW + 11 * HOP).astype(np.int16)
    logits = expected_logits(samples)
    with booted(tiny_image().image) as (machine, link, _):
        feed(machine, samples)
        found = decisions(link, len(logits))
    classes = logits.argmax(axis=1)
    assert found.counts == tuple(np.bincount(classes, minlength=CLASSES))
    assert found.last_class == classes[-1]
    table = exponent_table(tiny_image().model.output_scale)
    assert found.confidence == confidences_q8(logits, table)[-1]


def test_the_link_is_served_while_samples_are_awaited() -> None:
    with booted(tiny_image().image) as (machine, link, _):
        feed(machine, np.zeros(WINDOW, np.int16))
        assert decisions(link, 1).windows == 1
        kind, tag, frames = struct.unpack("<BBH", machine.uart1.recv(4, socket.MSG_WAITALL))
        assert (kind, frames) == (messages.SENSOR_REQUEST, HOP)
        assert link.hello().windows == 1
        machine.uart1.sendall(bytes(range(256)).replace(bytes((tag,)), b""))
        assert link.selftest(3).passed == 4
        assert link.hello().windows == 1, "only the tag of the question is an answer"
        machine.uart1.sendall(bytes((tag,)))
        assert decisions(link, 2).windows == 2


def test_the_link_is_served_when_the_sensor_is_gone() -> None:
    with booted(tiny_image().image) as (machine, link, _):
        tag = machine.uart1.recv(4, socket.MSG_WAITALL)[1]
        machine.uart1.sendall(bytes((tag,)))
        machine.uart1.close()
        assert decisions(link, 1).windows == 1
        assert link.selftest(3).passed == 4


def with_pages(first: bytes | None, second: bytes | None) -> bytes:
    image = tiny_image().image
    body = image.bytes[: image.header.image_size]
    pages = [image.bytes[len(body) : len(body) + PAGE], b"\xff" * PAGE]
    for number, block in enumerate((first, second)):
        if block is not None:
            pages[number] = block.ljust(PAGE, b"\xff")
    return body + b"".join(pages)


def test_the_newest_valid_parameter_block_wins() -> None:
    sha = tiny_image().image.header.model_sha256
    newer = ParameterBlock(sha, "tag", 0.1, class_offset=(0, 0, 0, 255), sequence=7)
    old = replace(newer, sequence=0)
    stranger = replace(newer, model_sha256="00" * 32, sequence=9)
    torn = bytearray(newer.pack())
    torn[100] ^= 1
    for content, sequence in (
        (with_pages(None, newer.pack()), 7),
        (with_pages(newer.pack(), None), 7),
        (with_pages(None, old.pack()), 1),
        (with_pages(None, stranger.pack()), 1),
        (with_pages(None, bytes(torn)), 1),
        (with_pages(bytes(torn), bytes(torn)), 0),
    ):
        with booted(content) as (_, _, hello):
            assert hello.parameters_sequence == sequence
            assert hello.boot_ok, "parameter pages are not under the image's CRC"


def test_class_offsets_and_a_missing_block_change_the_decision() -> None:
    sha = tiny_image().image.header.model_sha256
    scale = tiny_image().model.output_scale
    pushed = ParameterBlock(sha, "", scale, 2.0, class_offset=(0, 0, 0, 255), sequence=2)
    samples = np.random.default_rng(4).integers(-100, 100, WINDOW).astype(np.int16)
    logits = expected_logits(samples)
    with booted(with_pages(None, pushed.pack())) as (machine, link, _):
        feed(machine, samples)
        found = decisions(link, 1)
    assert found.last_class == 3
    assert found.confidence == confidences_q8(logits, exponent_table(scale, 2.0), (0, 0, 0, 255))[0]
    with booted(with_pages(b"", None)) as (machine, link, _):
        feed(machine, samples)
        found = decisions(link, 1)
    assert (found.last_class, found.confidence) == (int(np.argmax(logits[0])), 0)
