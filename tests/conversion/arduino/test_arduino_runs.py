"""What exported Arduino libraries compute and attest: on this host and on QEMU's Cortex-M4.

Built against a shim of Arduino's API (arduino_shim). The vendors' compilers, cores and libraries
are not at hand; nothing here is a real board.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.chip import booted, tiny_image
from tests.support.conversion.arduino_world import (
    C,
    compile_library,
    emulated_image,
    expected,
    exported,
    host_program,
    interpreted,
    project,
    running,
    spectral_request,
    tiny_exported,
    windows,
)
from tests.support.image_cache import build_once
from tinyops.boards.catalogue import load_board
from tinyops.boards.image import load_image, nonce_crc
from tinyops.boards.link import Hello, Link, SocketStream
from tinyops.conversion.arduino.build import seal
from tinyops.conversion.arduino.library import INNER, ArduinoLibrary
from tinyops.conversion.arduino.tflm import methods_of
from tinyops.conversion.candidates.sensing import Sensed, sense
from tinyops.conversion.images.toolchain import CPU
from tinyops.conversion.tflite.flatbuffer import read_model
from tinyops.emulation import Machine

pytestmark = pytest.mark.slow

NANO, EDGE, EYE = "nano33ble-sense", "sparkfun-edge2", "esp-eye"
BASE = 0x10000
SCOPE = project()
GIVEN = windows(SCOPE, 6, seed=7)


@pytest.fixture(scope="module")
def nano() -> ArduinoLibrary:
    return exported(NANO)


@pytest.fixture(scope="module")
def nano_program(nano: ArduinoLibrary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return host_program(nano, tmp_path_factory.mktemp("nano"))


@pytest.fixture(scope="module")
def eye() -> ArduinoLibrary:
    return exported(EYE)


@pytest.fixture(scope="module")
def eye_program(eye: ArduinoLibrary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return host_program(eye, tmp_path_factory.mktemp("eye"))


@pytest.fixture(scope="module")
def nano_linked(nano: ArduinoLibrary, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return emulated_image(nano, tmp_path_factory.mktemp("chip"))


def answers(link: Link) -> tuple[Hello, int, np.ndarray]:
    """(boot HELLO, golden windows that passed, logits of GIVEN)."""
    hello = link.boot_hello(30)
    passed = link.selftest(1).passed
    rows = []
    for window in GIVEN:
        link.send_input(window.astype("<i2").tobytes())
        rows.append(link.infer(window=True).logits)
    return hello, passed, np.array(rows, np.int8)


def reference(board: str = NANO) -> np.ndarray:
    made = spectral_request(board, SCOPE)
    return expected(made.frontend, made.canonical, GIVEN)


def emulated(image: bytes) -> tuple[Hello, int, np.ndarray]:
    with Machine(image, BASE, BASE) as machine:
        return answers(Link(SocketStream(machine.uart0)))


def test_on_this_host_it_computes_what_the_qemu_image_and_tflm_compute(nano_program: Path) -> None:
    with running(nano_program) as link:
        hello, passed, logits = answers(link)
    assert (hello.image.target, hello.image.version) == ("nano33ble-sense-arduino", "v1")
    assert (hello.boot_ok, hello.faults, passed) == (True, 0, hello.golden)
    assert len({tuple(row) for row in logits}) > 1, "the windows tell nothing apart"
    np.testing.assert_array_equal(logits, reference())
    qemu = load_board(NANO).targets[0]
    built = build_once(replace(spectral_request(NANO, SCOPE), target=qemu))
    with booted(built.image) as (_, link, _):
        for window, row in zip(GIVEN, logits, strict=True):
            link.send_input(window.astype("<i2").tobytes())
            np.testing.assert_array_equal(link.infer(window=True).logits, row)


def test_on_an_emulated_cortex_m4_a_sketch_computes_the_same(nano_linked: bytes) -> None:
    hello, passed, logits = emulated(nano_linked)
    assert (hello.boot_ok, passed) == (True, hello.golden)
    assert hello.image.load_address == 0, "not sealed: the CRC is that of the constants"
    np.testing.assert_array_equal(logits, reference())


def test_the_compiler_is_kept_from_fusing(nano: ArduinoLibrary, tmp_path: Path) -> None:
    inner = nano.write(tmp_path) / "src" / INNER

    def fused(*flags: str) -> bool:
        assembly = ""
        for name in ("frontend_spectrum.c", "fft.c"):
            command = ["arm-none-eabi-gcc", *CPU, *C, "-O2", *flags, "-S", "-o-", str(inner / name)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            assembly += done.stdout
        assert "vmul.f32" in assembly
        return bool(re.search(r"\bv(fma|fms|fnma|fnms)", assembly))

    assert not fused()
    assert fused("-UARDUINO"), "this compiler would not fuse anyway: the test shows nothing"


def test_a_sealed_image_attests_its_whole_extent(nano_linked: bytes) -> None:
    board = load_board(NANO)
    image = seal(nano_linked, board)
    assert load_image(image.bytes, image.offset) == image
    assert image.header.image_size == len(image.bytes) >= len(nano_linked)
    with Machine(image.bytes, BASE, BASE) as machine:
        link = Link(SocketStream(machine.uart0))
        hello = link.boot_hello(30)
        assert hello.boot_ok
        assert hello.image == image.header
        assert link.selftest(77).crc32 == nonce_crc(image.bytes, 77)
    # A byte of code that never runs: a fault handler's neighbour, the last byte of flash.
    damaged = bytearray(image.bytes)
    damaged[-1] ^= 1
    with Machine(bytes(damaged), BASE, BASE) as machine:
        assert not Link(SocketStream(machine.uart0)).boot_hello(30).boot_ok


def array_of(source: bytes) -> tuple[bytes, list[int], bytes]:
    """(what is before the numbers of the one array of a source, the numbers, what is after)."""
    head, rest = re.split(rb"(?<== \{)", source, maxsplit=1)
    numbers, tail = re.split(rb"(?=\};)", rest, maxsplit=1)
    return head, list(map(int, re.findall(rb"-?\d+", numbers))), tail


def last_bias(tflite: bytes) -> tuple[int, bytes]:
    """Where the bias of the last layer with one lies in the file, and its bytes."""
    model = read_model(tflite)
    graph = model.subgraphs[0]
    node = [one for one in graph.operators if len(one.inputs) == 3][-1]
    data = bytes(model.buffers[graph.tensors[node.inputs[2]].buffer].data)
    return tflite.index(data), data


@pytest.mark.parametrize("board", [NANO, EYE])
def test_a_changed_byte_of_the_model_is_noticed(
    board: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    kind = "nano" if board == NANO else "eye"
    library: ArduinoLibrary = request.getfixturevalue(kind)
    whole: Path = request.getfixturevalue(f"{kind}_program")
    tflite = spectral_request(board, SCOPE).canonical
    at, bias = last_bias(tflite)
    if board == NANO:
        name = f"src/{INNER}/bknn_model_weights.c"
        text = library.files[name]
        first = int.from_bytes(bias[:4], "little", signed=True)
        found = re.search(rb"= \{\s+(%d)," % first, text)
        assert found is not None
        # The third byte of a 32-bit number.
        content = text[: found.start(1)] + str(first ^ 1 << 22).encode() + text[found.end(1) :]
    else:
        name = f"src/{INNER}/model_data.c"
        head, numbers, tail = array_of(library.files[name])
        numbers[at + 2] ^= 64
        content = head + ",".join(map(str, numbers)).encode() + tail
    changed = replace(library, files={**library.files, name: content})
    program = host_program(changed, tmp_path, whole.parent)
    world = running(program) if board == NANO else interpreted(program, len(tflite))
    with world as lines:
        hello, passed, logits = answers(lines if isinstance(lines, Link) else lines[0])
    assert not hello.boot_ok
    assert passed < hello.golden
    assert not np.array_equal(logits, reference(board))


def test_the_sketch_samples_and_counts_as_on_the_emulated_board(tmp_path: Path) -> None:
    library = tiny_exported(NANO)
    program = host_program(library, tmp_path)
    count, hop = 40, 8
    samples = np.random.default_rng(3).integers(-140, 140, 32 + (count - 1) * hop).astype(np.int16)
    # Chunks of 256 samples, as the microphone's library gives them: the last one may be short.
    with running(program, samples) as link:
        link.boot_hello(30)
        seen = 0
        for _ in range(400):
            seen = link.decision().windows
            if seen >= count:
                break
        frame = link.frame(partial=True)
    assert seen == count
    with booted(tiny_image().image) as (machine, link, _):
        sense(machine, link, Sensed(samples[:, None], count, b""), 20, 0)
        assert link.frame(partial=True) == frame


def test_the_interpreter_gets_the_models_operators_and_its_bytes(eye_program: Path) -> None:
    made = spectral_request(EYE, SCOPE)
    with interpreted(eye_program, len(made.canonical)) as (link, operators):
        hello, passed, logits = answers(link)
    assert operators == [len(methods_of(made.canonical))]
    assert (hello.image.target, hello.image.runtime) == ("esp-eye-arduino", "tflm")
    assert (hello.boot_ok, passed) == (True, hello.golden)
    np.testing.assert_array_equal(logits, reference(EYE))


def test_the_library_for_the_edge_2_compiles_for_its_processor(tmp_path: Path) -> None:
    objects = compile_library(exported(EDGE), tmp_path, "mps2", "arm-none-eabi-")
    assert {"edge2_microphone.o", "motor_sound.o", "bknn_model.o"} <= {
        path.name for path in objects
    }
