"""Fit reports: figures against limits, and sensors that can or cannot sense a signal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.chip import MODELS, tiny_image
from tests.support.image_cache import built_once
from tests.support.shared_data import shared
from tinyops.boards.catalogue import board_names, load_board
from tinyops.conversion.images.bare import build_bare
from tinyops.conversion.images.fit import FitReport, Limits, check_sensor, excess, fit, fit_project
from tinyops.conversion.images.memory import MEASURED_ON_HOST, linked, planned
from tinyops.conversion.tflite.canonical import canonical
from tinyops.conversion.tflite.errors import CompilerMissing, DoesNotFit
from tinyops.projects import Project, load_project

TINY = (MODELS / "tiny.tflite").read_bytes()


ESTIMATED = {
    "aot": {"vendor's core"},
    "tflm": {"runtime and firmware", "vendor's core"},
}


@pytest.fixture(scope="module")
def nano() -> FitReport:
    with built_once():
        return fit(TINY, load_board("nano33ble-sense"))


@pytest.mark.usefixtures("images_built_once")
@pytest.mark.parametrize("name", board_names())
def test_a_small_model_fits_every_board_and_the_parts_are_the_sums(name: str) -> None:
    report = fit(TINY, load_board(name))
    assert report.fits, report.problems
    assert report.arena_bytes
    assert report.flash_bytes == sum(part.bytes for part in report.flash_parts)
    assert report.ram_bytes == sum(part.bytes for part in report.ram_parts)
    for parts in (report.flash_parts, report.ram_parts):
        estimated = {part.name for part in parts if not part.measured}
        assert estimated == ESTIMATED[report.runtime]
        assert all(part.source for part in parts)


def test_what_is_measured_for_aot_is_what_is_flashed(nano: FitReport, tmp_path: Path) -> None:
    board = load_board("nano33ble-sense")
    built = build_bare(TINY, board, "tiny", tmp_path)
    flash = {part.name: part.bytes for part in nano.flash_parts}
    assert sum(flash.values()) - flash["vendor's core"] == len(built.image.bytes)
    assert flash["vendor's core"] == board.base.flash_bytes
    golden, logits = 4 * 2 * 32, 4 * 4
    weights = planned(TINY, board).flash[0].bytes
    assert weights + golden + logits <= flash["constants"] < len(TINY)
    assert sum(part.bytes for part in nano.ram_parts) == built.image.header.ram_bytes


def test_the_files_of_tflm_are_measured_and_its_arena_says_where() -> None:
    report = fit(TINY, load_board("esp-eye"))
    model, arena = report.flash_parts[0], report.ram_parts[0]
    assert (model.bytes, model.measured) == (len(canonical(TINY)), True)
    assert (arena.bytes, arena.measured) == (report.arena_bytes, True)
    assert arena.source == MEASURED_ON_HOST


def test_before_the_link_all_is_estimated_and_not_below_the_link_by_much() -> None:
    board, scope = load_board("nano33ble-sense"), load_project("motor_health")
    report = fit_project(TINY, scope, board)
    assert not any(part.measured for part in (*report.flash_parts, *report.ram_parts))
    assert any("the linker has the last word" in part.source for part in report.flash_parts)
    plan, image = planned(TINY, board, window_bytes=64), linked(tiny_image(), board)
    assert image.flash_bytes <= plan.flash_bytes + 4096
    assert image.ram_bytes <= plan.ram_bytes + 1024


@pytest.mark.usefixtures("images_built_once")
def test_too_much_is_named_with_the_figures(nano: FitReport) -> None:
    report = fit(TINY, load_board("nano33ble-sense"), flash_limit=100_000, ram_limit=10_000)
    assert not report.fits
    assert (report.flash_bytes, report.ram_bytes) == (nano.flash_bytes, nano.ram_bytes)
    flash, ram = report.problems
    assert flash.startswith(f"flash: {nano.flash_bytes:,} bytes needed (85,328 of them estimated)")
    assert f"{nano.flash_bytes - 100_000:,} too many" in flash  # type: ignore[operator]
    assert ram.startswith("RAM: ")


def test_what_just_fits_fits() -> None:
    need = linked(tiny_image(), load_board("nano33ble-sense"))
    assert excess(need, Limits(need.flash_bytes, need.ram_bytes), "nano") == ()
    (too_much,) = excess(need, Limits(need.flash_bytes, need.ram_bytes - 1), "nano")
    assert too_much.startswith("RAM: ")
    assert too_much.endswith("allowed on nano, 1 too many")


def test_what_does_not_link_is_refused_by_the_bytes_that_overflow(nano: FitReport) -> None:
    board = load_board("nano33ble-sense")
    small = board.flash.model_copy(update={"app_bytes": 4 * board.flash.page_bytes})
    report = fit(TINY, board.model_copy(update={"flash": small}))
    assert not report.fits
    assert (report.flash_bytes, report.flash_parts) == (None, ())
    assert nano.flash_bytes is not None
    more = nano.flash_bytes - board.base.flash_bytes - small.app_bytes
    assert f"overflows flash by {more:,} bytes on nano33ble-sense" in report.problems[0]
    assert "core takes 85,328 bytes" in report.problems[0]


def test_without_a_compiler_nothing_is_said_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CompilerMissing, match="no arm-none-eabi-gcc") as missing:
        fit(TINY, load_board("nano33ble-sense"))
    assert "packages.txt" in missing.value.fix


@pytest.mark.usefixtures("images_built_once")
@pytest.mark.parametrize(
    ("model", "constants", "arena"),
    [("kws_ref_model", 20_000, 10_000), ("vww_96_int8", 200_000, 50_000)],
)
def test_real_models_are_linked_with_their_weights(model: str, constants: int, arena: int) -> None:
    tflite = shared(f"data/tflite_models/mlperf_tiny/{model}.tflite").read_bytes()
    report = fit(tflite, load_board("sparkfun-edge2"))
    assert report.fits, report.problems
    flash = {part.name: part.bytes for part in report.flash_parts}
    assert constants < flash["constants"] < len(tflite) + 65536, "weights and golden windows"
    assert report.arena_bytes is not None
    buffers = {part.name: part.bytes for part in report.ram_parts}["arena and buffers"]
    assert arena < report.arena_bytes < buffers


def test_an_operator_that_is_missing_is_named() -> None:
    lstm = shared("data/tflite_models/tflm/trained_lstm_int8.tflite").read_bytes()
    report = fit(lstm, load_board("nano33ble-sense"))
    assert not report.fits
    assert report.flash_bytes is None
    assert "variable" in report.problems[0] or "LSTM" in report.problems[0]
    assert fit(lstm, load_board("esp-eye")).fits


def test_what_is_no_model_is_a_problem_not_an_error() -> None:
    for name in board_names():
        assert not fit(b"not a model", load_board(name)).fits


def project(**changes: object) -> Project:
    return load_project("motor_health").model_copy(update=changes)


def test_constraints_of_the_project_count() -> None:
    board = load_board("nano33ble-sense")
    scope = project()
    assert fit_project(TINY, scope, board).flash_limit == scope.constraints[board.name].flash_bytes


def test_a_sensor_that_can_sense_the_signal_is_accepted() -> None:
    check_sensor(project(), load_board("nano33ble-sense"))


def test_sensors_are_physics() -> None:
    nano, eye = load_board("nano33ble-sense"), load_board("esp-eye")
    with pytest.raises(DoesNotFit, match="esp-eye has no sensor 'adc-piezo'") as none:
        check_sensor(project(), eye)
    assert "nano33ble-sense" in none.value.fix
    slow = project(sensor="imu")
    with pytest.raises(DoesNotFit, match=r"20000 samples/s, imu of nano33ble-sense .* 952"):
        check_sensor(slow, nano)
    signal = project().signal
    wide = signal.model_copy(update={"channels": ["x", "y"], "full_scale": [1.0, 1.0]})
    with pytest.raises(DoesNotFit, match="2 channels, adc-piezo of nano33ble-sense has 1"):
        check_sensor(project(signal=wide), nano)


def test_the_projects_of_the_repository_can_be_sensed() -> None:
    for folder in (ROOT / "include" / "projects").iterdir():
        if (folder / "project.yaml").exists():
            scope = load_project(folder.name)
            for name in scope.boards:
                check_sensor(scope, load_board(name))
