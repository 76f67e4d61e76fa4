"""Exported Arduino libraries: what is in them, and what is refused."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from tests.support.conversion.arduino_world import (
    exported,
    project,
    spectral_request,
    tiny_exported,
)
from tinyops.boards.catalogue import load_board
from tinyops.conversion.arduino.library import INNER, ArduinoLibrary, export_library
from tinyops.conversion.arduino.ports import PORTS, port_of, sensor_config
from tinyops.conversion.images.sources import config_header
from tinyops.conversion.images.toolchain import FIRMWARE
from tinyops.conversion.tflite.errors import ConversionError
from tinyops.projects import load_project, project_names

NANO, EDGE, EYE = "nano33ble-sense", "sparkfun-edge2", "esp-eye"
SCOPE = project()


@pytest.fixture(scope="module")
def nano() -> ArduinoLibrary:
    return exported(NANO)


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


def test_every_project_has_a_sketch_for_each_of_its_boards_with_a_core() -> None:
    read = set()
    for scope in map(load_project, project_names()):
        for board in map(load_board, scope.boards):
            if board.arduino:
                text = sensor_config(port_of(board, scope), scope, config_header)
                assert f"SENSOR_CHANNELS {len(scope.signal.channels)}\n" in text
                read.add((board.name, scope.sensor))
    assert {(NANO, "imu"), (NANO, "adc-piezo"), (EDGE, "microphone"), (EYE, "microphone")} <= read
