"""Building images: what is in them, and errors that say what to change."""

from __future__ import annotations

import hashlib
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.chip import MODELS, request, sketch, tiny_image, windows
from tinyops.boards.board import Board
from tinyops.boards.catalogue import load_board
from tinyops.boards.image import load_image
from tinyops.boards.messages import frame_request
from tinyops.conversion.images.aot import compile_model
from tinyops.conversion.images.image import build_image
from tinyops.conversion.images.parameters import SIZE, exponent_table
from tinyops.conversion.images.toolchain import FIRMWARE, STRICT, compile_sources
from tinyops.conversion.tflite.errors import ConversionError, DoesNotFit
from tinyops.conversion.tflite.flatbuffer import read_model, write_model
from tinyops.frontend import Frontend, FrontendSpec
from tinyops.sketches.frames import FRAME_BYTES


def test_an_image_names_what_it_is() -> None:
    built = tiny_image()
    image = load_image((built.folder / "image.bin").read_bytes(), built.image.offset)
    header = image.header
    assert (header.project, header.version, header.target) == (
        "tiny_project",
        "v1",
        "nano33ble-sense-qemu-virtual",
    )
    tflite = (MODELS / "tiny.tflite").read_bytes()
    assert header.model_sha256 == hashlib.sha256(tflite).hexdigest()
    assert header.model_bytes == len(tflite)
    assert header.load_address == image.offset == 0x10000
    assert len(image.bytes) == header.image_size + 2 * 4096
    assert built.to_dict()["sha256"] == hashlib.sha256(image.bytes).hexdigest()
    assert header.ram_bytes == built.sizes.ram_bytes
    for name in ("firmware.elf", "firmware.map"):
        assert (built.folder / name).exists()


def test_the_same_request_gives_the_same_bytes(tmp_path: Path) -> None:
    assert build_image(request(), tmp_path).image == tiny_image().image


def test_the_firmware_calls_neither_heap_nor_libm() -> None:
    listing = subprocess.run(
        ["arm-none-eabi-nm", str(tiny_image().folder / "firmware.elf")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    symbols = {line.split()[-1] for line in listing.splitlines()}
    assert {"main", "bknn_model_infer", "frontend_run"} <= symbols
    assert not symbols & {"malloc", "free", "_sbrk", "exp", "expf", "sqrt", "printf"}


def smaller(part: str, **sizes: int) -> Board:
    board = load_board("nano33ble-sense")
    return board.model_copy(update={part: getattr(board, part).model_copy(update=sizes)})


def test_an_overflow_says_what_by_how_much_and_where(tmp_path: Path) -> None:
    built = tiny_image()
    flash = smaller("flash", app_bytes=0x4000)
    with pytest.raises(DoesNotFit, match=r"flash by [\d,]+ bytes on nano33ble-sense") as error:
        build_image(replace(request(), board=flash), tmp_path / "flash")
    # What is short is what the whole image has more than the area.
    short = int(re.findall(r"by ([\d,]+) bytes", error.value.message)[0].replace(",", ""))
    assert short == len(built.image.bytes) - 0x4000
    ram = smaller("ram", total_bytes=0x3000)
    with pytest.raises(DoesNotFit, match=r"overflows RAM by [\d,]+ bytes on nano33ble-sense"):
        build_image(replace(request(), board=ram), tmp_path / "ram")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"target": "nrf52840-arduino"}, "has no target 'nrf52840-arduino'"),
        ({"board": load_board("esp-eye")}, "esp-eye has no target"),
        ({"golden": windows(0)}, "no golden windows"),
        (
            {"frontend": Frontend(FrontendSpec.identity((40, 1, 1)))},
            "the frontend gives 40 values, the model takes 32",
        ),
    ],
    ids=["target", "board", "golden", "frontend"],
)
def test_a_request_that_makes_no_sense_is_refused(
    changes: dict[str, object], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ConversionError, match=reason):
        build_image(replace(request(), **changes), tmp_path)  # type: ignore[arg-type]


def test_golden_windows_are_taken_as_far_as_they_fit(tmp_path: Path) -> None:
    built = build_image(replace(request(), golden=windows(40)), tmp_path)
    config = (built.folder / "sources" / "app_config.h").read_text()
    assert "#define APP_GOLDEN 16" in config


def test_a_compiler_error_is_one_line_with_file_and_reason(tmp_path: Path) -> None:
    source = tmp_path / "wrong.c"
    source.write_text("int f(void) { return missing; }\n")
    with pytest.raises(ConversionError, match=r"wrong\.c:1:.*'missing' undeclared") as error:
        compile_sources([source], [], tmp_path / "objects", STRICT)
    assert "\n" not in error.value.message


def test_an_operator_that_the_compiler_lacks_is_named(tmp_path: Path) -> None:
    # The model as it was exported, but with its batch fixed: what computes a shape is still there.
    model = read_model((MODELS / "tiny.tflite").read_bytes())
    for tensor in model.subgraphs[0].tensors:
        tensor.shapeSignature = None
    with pytest.raises(
        ConversionError, match=r"refuses the model: SHAPE \(operator 4, makes .*Shape\)"
    ):
        compile_model(write_model(model), tmp_path)


def test_blocks_and_frames_have_the_size_of_their_structs(tmp_path: Path) -> None:
    source = tmp_path / "size.c"
    asked = len(frame_request(None, partial=False))
    source.write_text(
        '#include "parameters.h"\n'
        f'_Static_assert(sizeof(parameter_block) == {SIZE}, "size");\n'
        f'_Static_assert(offsetof(parameter_block, crc32) == {SIZE - 4}, "crc");\n'
        f'_Static_assert(sizeof(link_sketch) == {FRAME_BYTES}, "frame");\n'
        f'_Static_assert(sizeof(link_frame_request) == {asked}, "request");\n'
    )
    includes = [FIRMWARE / part for part in ("app", "link", "monitor")]
    compile_sources([source], includes, tmp_path / "o", STRICT)


def test_the_footprint_is_what_the_linker_has_kept() -> None:
    built = tiny_image()
    assert built.sketch is not None
    listing = subprocess.run(
        ["arm-none-eabi-nm", "-S", str(built.folder / "firmware.elf")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    sizes = {
        row[3]: int(row[1], 16) for row in map(str.split, listing.splitlines()) if len(row) == 4
    }
    tables = [sizes[f"sketch_{name}"] for name in ("center", "weights", "norms")]
    assert built.sketch.table_bytes == sum(tables) == 3 * 32 + 8
    code = ("sketch_features", "sketch_count", "monitor_add", "monitor_frame")
    code += ("frame_ring_put", "frame_ring_oldest", "frame_ring_acknowledge")
    found = built.sketch.flash_bytes - built.sketch.table_bytes
    assert sum(sizes[name] for name in code) <= found
    assert found < 1500
    assert sizes["finished"] + sizes["filling"] <= built.sketch.ram_bytes < 500


def test_a_sketch_of_another_input_is_refused(tmp_path: Path) -> None:
    narrow = replace(sketch(), center=sketch().center[:9], weights=sketch().weights[:, :9])
    with pytest.raises(ConversionError, match="sketch is of 9 values, the model takes 32"):
        build_image(request(sketch=narrow), tmp_path)


def test_the_exponent_table_falls_and_obeys_the_temperature() -> None:
    table, warm = exponent_table(0.1), exponent_table(0.1, 2.0)
    assert table[0] == warm[0] == 1 << 15
    assert np.all(np.diff(table) <= 0)
    assert warm[20] == table[10]
    with pytest.raises(ConversionError, match="temperature 0"):
        exponent_table(0.1, 0)
