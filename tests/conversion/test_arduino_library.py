"""Exported Arduino libraries: what is in them, and what they compute.

Built against a shim of Arduino's API (arduino_shim), for this host and for QEMU's Cortex-M4. The
vendors' compilers, cores and libraries are not at hand; nothing here is a real board.
"""

from __future__ import annotations

import re
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from arduino_world import (
    INNER,
    C,
    compile_library,
    emulated_image,
    expected,
    exported,
    host_program,
    interpreted,
    project,
    running,
    sensor_of,
    spectral_request,
    tiny_exported,
    windows,
)

from chip import booted, tiny_image
from tinyops.boards.catalogue import load_board
from tinyops.boards.image import load_image, nonce_crc
from tinyops.boards.link import Hello, Link, SocketStream
from tinyops.boards.messages import INFER_WINDOW
from tinyops.conversion.arduino_build import seal
from tinyops.conversion.arduino_library import ArduinoLibrary, export_library
from tinyops.conversion.arduino_ports import PORTS, port_of
from tinyops.conversion.arduino_tflm import methods_of
from tinyops.conversion.errors import ConversionError
from tinyops.conversion.flatbuffer import read_model
from tinyops.conversion.image import build_image
from tinyops.conversion.sensing import Sensed, sense
from tinyops.conversion.toolchain import CPU, FIRMWARE
from tinyops.emulation import Machine

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
def nano_linked(nano: ArduinoLibrary, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return emulated_image(nano, tmp_path_factory.mktemp("chip"))


def answers(link: Link) -> tuple[Hello, int, np.ndarray]:
    """(boot HELLO, golden windows that passed, logits of GIVEN)."""
    hello = link.boot_hello(30)
    passed = link.selftest(1).passed
    rows = []
    for window in GIVEN:
        link.send_input(window.astype("<i2").tobytes())
        rows.append(link.infer(INFER_WINDOW).logits)
    return hello, passed, np.array(rows, np.int8)


def reference(board: str = NANO) -> np.ndarray:
    made = spectral_request(board, SCOPE)
    return expected(made.frontend, made.canonical, GIVEN)


def emulated(image: bytes) -> tuple[Hello, int, np.ndarray]:
    with Machine(image, BASE, BASE) as machine:
        return answers(Link(SocketStream(machine.uart0)))


def test_the_layout_is_that_of_the_library_specification(nano: ArduinoLibrary) -> None:
    properties = dict(
        line.split("=", 1) for line in nano.files["library.properties"].decode().splitlines()
    )
    assert properties["name"] == nano.name == "TinyOps_motor_sound_nano33ble_sense"
    assert properties["architectures"] == "mbed_nano"
    assert re.fullmatch(r"\d+\.\d+\.\d+", properties["version"])
    assert {"author", "maintainer", "sentence", "paragraph", "category", "includes"} <= set(
        properties
    )
    assert f"src/{properties['includes']}" in nano.files
    assert "depends" not in properties
    assert b"depends=Chirale_TensorFLowLite\n" in exported(EYE).files["library.properties"]
    assert "examples/motor_sound/motor_sound.ino" in nano.files
    assert {"licenses/cmsis_nn.txt", "licenses/cmsis_core.txt", "README.md"} <= set(nano.files)
    rows = nano.files["keywords.txt"].decode().splitlines()
    assert all(len(row.split("\t")) == 2 for row in rows)
    assert not any(b"$" in nano.files[name] for name in ("README.md", "library.properties"))


@pytest.mark.parametrize("board", [NANO, EDGE, EYE])
def test_includes_resolve_inside_src(board: str) -> None:
    files = exported(board).files
    inner = {Path(name).name for name in files if name.startswith(f"src/{INNER}/")}
    of_others = {"tensorflow/lite/micro/micro_interpreter.h"}
    of_others |= {"tensorflow/lite/micro/micro_mutable_op_resolver.h"}
    of_others |= {"tensorflow/lite/schema/schema_generated.h"}
    other_compilers = {"cmsis_armcc.h", "cmsis_armclang.h", "cmsis_armclang_ltm.h"}
    for name, content in files.items():
        if name.startswith(f"src/{INNER}/"):
            named = set(re.findall(r'^\s*#\s*include\s+"([^"]+)"', content.decode(), re.M))
            assert named <= inner | other_compilers | (of_others if board == EYE else set()), name


def test_our_sources_are_copies(nano: ArduinoLibrary) -> None:
    parts = ("app", "link", "monitor", "frontend", "runtime/aot", "board/arduino")
    ours = {path.name: path for part in parts for path in (FIRMWARE / part).glob("*.*")}
    copied = [name for name in nano.files if Path(name).name in ours]
    for name in copied:
        assert nano.files[name] == ours[Path(name).name].read_bytes(), name
    names = {Path(name).name for name in copied}
    assert {"frontend_spectrum.c", "fft.c", "server.c", "frame.c", "runtime.c"} <= names
    assert not {"main.c", "image.c"} & names
    counting = {Path(name).name for name in tiny_exported(NANO).files}
    assert {"monitor.c", "sketch.c", "sketch_tables.c"} <= counting


def test_the_same_request_gives_the_same_bytes(nano: ArduinoLibrary) -> None:
    again = exported(NANO)
    assert again.files == nano.files
    assert again.zipped() == nano.zipped()
    with zipfile.ZipFile(BytesIO(nano.zipped())) as archive:
        assert set(archive.namelist()) == {f"{nano.name}/{name}" for name in nano.files}


def test_on_this_host_it_computes_what_the_qemu_image_and_tflm_compute(
    nano_program: Path, tmp_path: Path
) -> None:
    with running(nano_program) as link:
        hello, passed, logits = answers(link)
    assert (hello.image.target, hello.image.version) == ("nano33ble-sense-arduino", "v1")
    assert (hello.boot_ok, hello.faults, passed) == (True, 0, hello.golden)
    assert len({tuple(row) for row in logits}) > 1, "the windows tell nothing apart"
    np.testing.assert_array_equal(logits, reference())
    qemu = load_board(NANO).targets[0]
    built = build_image(replace(spectral_request(NANO, SCOPE), target=qemu), tmp_path)
    with booted(built.image) as (_, link, _):
        for window, row in zip(GIVEN, logits, strict=True):
            link.send_input(window.astype("<i2").tobytes())
            np.testing.assert_array_equal(link.infer(INFER_WINDOW).logits, row)


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
    board: str, nano: ArduinoLibrary, tmp_path: Path
) -> None:
    library = nano if board == NANO else exported(board)
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
    program = host_program(replace(library, files={**library.files, name: content}), tmp_path)
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


def test_the_interpreter_gets_the_models_operators_and_its_bytes(tmp_path: Path) -> None:
    library = exported(EYE)
    made = spectral_request(EYE, SCOPE)
    program = host_program(library, tmp_path)
    with interpreted(program, len(made.canonical)) as (link, operators):
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


SENSORS: list[tuple[str, str, dict, Callable[[np.ndarray], np.ndarray]]] = [
    (NANO, "microphone", {}, lambda given: given),
    (
        NANO,
        "adc-piezo",
        {"rate_hz": 20000},
        lambda given: np.clip((given.astype(int) - 2048) * 16, -32768, 32767),
    ),
    (
        EDGE,
        "adc-piezo",
        {"rate_hz": 20000},
        lambda given: ((given.astype(int) - 2048) * 16).astype(np.int16),
    ),
    (EYE, "microphone", {}, lambda given: given),
]


@pytest.mark.parametrize(("board", "sensor", "signal", "counts"), SENSORS)
def test_a_port_delivers_what_its_sensor_gives(
    board: str, sensor: str, signal: dict, counts: Callable, tmp_path: Path
) -> None:
    scope = project(sensor, **signal)
    given = np.random.default_rng(2).integers(0, 4096, 3 * 64).astype(np.int16)
    blocks, faults = sensor_of(board, scope, given, frames=64, blocks=3, folder=tmp_path)
    assert (len(blocks), faults) == (3, 0)
    np.testing.assert_array_equal(np.concatenate(blocks).ravel(), counts(given))


def test_a_core_that_is_too_slow_for_the_rate_gives_no_block(tmp_path: Path) -> None:
    scope = project("adc-piezo", rate_hz=20000)
    given = np.zeros(64 * 300, np.int16)
    blocks, faults = sensor_of(EDGE, scope, given, 64, blocks=1, folder=tmp_path, analog_us=60)
    assert blocks == []
    assert faults >= 100


def test_a_sensor_of_another_rate_is_interpolated(tmp_path: Path) -> None:
    scope = project("microphone")
    time = np.arange(4096) / 15625
    tone = (8000 * np.sin(2 * np.pi * 500 * time)).astype(np.int16)
    ((block,), _) = sensor_of(EDGE, scope, tone, frames=256, blocks=1, folder=tmp_path)
    wanted = 8000 * np.sin(2 * np.pi * 500 * np.arange(256) / 16000)
    # Linear interpolation of 500 Hz: within (pi f / rate)^2 / 2 of the amplitude, and rounding.
    assert np.abs(block.ravel() - wanted).max() < 8000 * (np.pi * 500 / 15625) ** 2 / 2 + 2
    assert not np.array_equal(block.ravel(), tone[:256])


def test_the_imu_is_read_in_the_projects_units(tmp_path: Path) -> None:
    full_scale = [8.0, 8.0, 8.0, 34.9, 34.9, 34.9]
    channels = ["ax", "ay", "az", "wx", "wy", "wz"]
    unit = "g,g,g,rad/s,rad/s,rad/s"
    scope = project(
        "imu", channels=channels, unit=unit, full_scale=full_scale, rate_hz=119, window=64
    )
    given = np.random.default_rng(2).integers(-30000, 30000, (40, 6)).astype(np.int16)
    ((block,), _) = sensor_of(NANO, scope, given, frames=32, blocks=1, folder=tmp_path)
    physical = given * (np.array([4.0] * 3 + [np.radians(2000)] * 3) / 32768)
    wanted = physical / full_scale * 32767
    np.testing.assert_allclose(block, wanted[:32], atol=1.01)


def test_a_block_has_no_gap_when_the_ring_runs_over(tmp_path: Path) -> None:
    scope = project("microphone")
    given = np.arange(20000).astype(np.int16)
    blocks, _ = sensor_of(NANO, scope, given, frames=256, blocks=2, folder=tmp_path, missed=30)
    first, second = (block.ravel() for block in blocks)
    assert np.all(np.diff(first) == 1)
    assert np.all(np.diff(second) == 1)
    assert second[0] > first[-1] + 1, "nothing was lost: the test shows nothing"


@pytest.mark.parametrize(
    ("board", "sensor", "signal", "reason"),
    [
        ("himax-we1-plus", "microphone", {}, "has no Arduino core"),
        (EYE, "camera", {}, "no Arduino source reads 'camera' on esp-eye"),
        (NANO, "microphone", {"rate_hz": 8000}, "runs at 16000 to 16000 Hz"),
        (NANO, "imu", {}, "gives a sketch 6 channels, motor_sound has 1"),
    ],
)
def test_what_cannot_be_read_is_refused(board: str, sensor: str, signal: dict, reason: str) -> None:
    scope = project(sensor, **signal)
    with pytest.raises(ConversionError, match=reason):
        export_library(spectral_request(board, SCOPE), scope)


def test_a_unit_that_the_sensor_has_not_is_named(tmp_path: Path) -> None:
    scope = project("imu", channels=list("abcdef"), unit="K", full_scale=[1.0] * 6, rate_hz=50)
    with pytest.raises(ConversionError, match="channel a is in 'K'"):
        export_library(spectral_request(NANO, SCOPE), scope)


def test_a_virtual_target_is_no_library() -> None:
    made = replace(spectral_request(NANO, SCOPE), target=load_board(NANO).targets[0])
    with pytest.raises(ConversionError, match="no Arduino core"):
        export_library(made, SCOPE)


def test_nothing_is_written_over(nano: ArduinoLibrary, tmp_path: Path) -> None:
    nano.write(tmp_path)
    with pytest.raises(ConversionError, match="is not empty"):
        nano.write(tmp_path)


def test_every_port_names_sources_that_exist_and_a_sensor_of_its_board() -> None:
    for (board, sensor), port in PORTS.items():
        assert load_board(board).sensor(sensor) is not None
        assert all((FIRMWARE / "board" / "arduino" / name).exists() for name in port.sources)
    scope = project()
    assert port_of(load_board(NANO), scope) is PORTS[NANO, "microphone"]
