"""arduino-cli: its arguments, what is read of its output, and what happens without it.

The tool is not installed where these tests run: its reports below are written after its
documentation and public callers, and no test claims that it has built anything.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.chip import tiny_image
from tinyops.boards.admission import check
from tinyops.boards.catalogue import load_board
from tinyops.boards.errors import ImageRefused
from tinyops.boards.image import HEADER_OFFSET, HEADER_SIZE, ImageError, load_image, parse_header
from tinyops.conversion.arduino import build
from tinyops.conversion.arduino.build import (
    compile_arguments,
    compile_sizes,
    installed_cores,
    seal,
    unavailable,
)
from tinyops.conversion.tflite.errors import ConversionError

NANO = load_board("nano33ble-sense")


def test_the_arguments_name_board_library_sketch_and_output() -> None:
    assert NANO.arduino is not None
    arguments = compile_arguments(NANO.arduino, Path("lib"), Path("lib/examples/p"), Path("out"))
    assert arguments == [
        *("compile", "--json", "--fqbn", "arduino:mbed_nano:nano33ble", "--library", "lib"),
        *("--output-dir", "out", "lib/examples/p"),
    ]


def test_cores_are_read_from_both_forms_of_the_listing() -> None:
    rows = [{"id": "arduino:mbed_nano", "installed": "4.1.5"}, {"id": "esp32:esp32"}]
    assert installed_cores(json.dumps({"platforms": rows})) == {"arduino:mbed_nano", "esp32:esp32"}
    assert installed_cores(json.dumps(rows)) == {"arduino:mbed_nano", "esp32:esp32"}
    assert installed_cores('{"platforms": null}') == installed_cores("{}") == set()


def test_sizes_are_the_sections_text_and_data() -> None:
    sections = [
        {"name": "text", "size": 120_008, "max_size": 983_040},
        {"name": "data", "size": 80_512, "max_size": 262_144},
    ]
    report = {"success": True, "builder_result": {"executable_sections_size": sections}}
    sizes = compile_sizes(json.dumps(report))
    assert (sizes.flash_bytes, sizes.ram_bytes) == (120_008, 80_512)
    assert compile_sizes('{"success": true}').flash_bytes is None


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        (
            json.dumps(
                {"success": False, "compiler_err": "a.ino:3:1: error: 'x' was not declared"}
            ),
            "compile: a.ino:3:1: error: 'x' was not declared",
        ),
        ("{}", "compile: no reason given"),
        ("Error: unknown flag: --json", "gave no JSON: 'Error: unknown flag"),
    ],
)
def test_a_failure_is_one_line(report: str, reason: str) -> None:
    with pytest.raises(ConversionError, match=reason):
        compile_sizes(report)


def tool(folder: Path, script: str) -> None:
    path = folder / build.TOOL
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert unavailable(NANO) == "arduino-cli is not installed"
    assert unavailable(load_board("himax-we1-plus")) == (
        "himax-we1-plus has no Arduino core in the catalogue"
    )
    # A tool without cores: what the real one would say is not known here, only how it is read.
    tool(tmp_path, "echo '{\"platforms\": []}'")
    assert unavailable(NANO) == "arduino-cli has no core arduino:mbed_nano"


def linked(target: str = "nano33ble-sense-arduino", at: int = 0x3A4) -> bytes:
    """Bytes as a vendor's linker might leave them: a header somewhere."""
    header = replace(tiny_image().image.header, target=target, load_address=0)
    content = bytearray(range(256)) * 8
    content[at : at + HEADER_SIZE] = header.pack()
    return bytes(content) + b"\x01"


def test_the_tool_gets_its_places_and_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "TOOL", "env")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    monkeypatch.setenv("ARDUINO_DIRECTORIES_DATA", "/opt/arduino")
    found = build._run([]).stdout.splitlines()
    assert "ARDUINO_DIRECTORIES_DATA=/opt/arduino" in found
    assert f"HOME={os.environ['HOME']}" in found
    assert not [line for line in found if "s3cret" in line]


def test_sealing_finds_the_header_where_it_is() -> None:
    image = seal(linked(), NANO, ram_bytes=123)
    assert image.header.ram_bytes == 123
    assert len(image.bytes) % 4 == 0
    assert image.header.image_size == len(image.bytes)
    assert image.header.load_address == image.offset == 0x10000
    assert load_image(image.bytes, image.offset) == image
    assert parse_header(image.bytes[:HEADER_OFFSET] + image.bytes[HEADER_OFFSET:]) == image.header
    damaged = bytearray(image.bytes)
    damaged[3] ^= 1
    with pytest.raises(ImageError, match="damaged"):
        load_image(bytes(damaged), image.offset)


def test_what_is_not_sealed_is_not_written_to_a_board() -> None:
    with pytest.raises(ImageError, match="was not sealed"):
        load_image(linked(), 0x10000)


def test_a_virtual_image_two_headers_and_none_are_refused() -> None:
    with pytest.raises(ConversionError, match="is for nano33ble-sense"):
        seal(linked("nano33ble-sense-qemu-virtual"), NANO)
    with pytest.raises(ImageError, match="two TinyOps image headers"):
        seal(linked() + linked(), NANO)
    with pytest.raises(ImageError, match="no TinyOps image header"):
        seal(bytes(4096), NANO)


def test_real_targets_are_not_virtual_ones() -> None:
    for name in ("nano33ble-sense", "sparkfun-edge2", "esp-eye"):
        board = load_board(name)
        assert board.real_target == f"{name}-arduino"
        assert board.real_target not in board.targets
        assert board.accepted_targets == [*board.targets, board.real_target]
        assert all(target.endswith("-virtual") for target in board.targets)


def test_an_image_for_a_real_board_is_not_written_to_a_virtual_one() -> None:
    image = seal(linked(), NANO)
    ours, theirs = os.openpty()
    try:
        with pytest.raises(ImageRefused, match=r"for a real board; .* is a virtual one"):
            check(os.ttyname(theirs), image, NANO)
    finally:
        os.close(ours)
        os.close(theirs)
    other = replace(image, header=replace(image.header, board="sparkfun-edge2"))
    with pytest.raises(ImageRefused, match="takes sparkfun-edge2-qemu-virtual, sparkfun-edge2-"):
        check("/dev/null", other, load_board("sparkfun-edge2"))
