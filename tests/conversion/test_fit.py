"""Fit reports: figures against limits, and sensors that can or cannot sense a signal."""

from __future__ import annotations

from pathlib import Path

import pytest

from chip import MODELS, tiny_image
from shared_data import shared
from tinyops.boards.catalogue import board_names, load_board
from tinyops.conversion.errors import DoesNotFit
from tinyops.conversion.fit import MEASURED_ON_HOST, check_sensor, fit, fit_project
from tinyops.projects import Project, load_project

TINY = (MODELS / "tiny.tflite").read_bytes()


@pytest.mark.parametrize("name", board_names())
def test_a_small_model_fits_every_board(name: str) -> None:
    report = fit(TINY, load_board(name))
    assert report.fits, report.problems
    assert report.arena_bytes
    assert (report.arena_source == MEASURED_ON_HOST) == (report.runtime == "tflm")


def test_the_estimate_is_not_below_what_is_linked_by_much() -> None:
    report = fit(TINY, load_board("nano33ble-sense"), window_bytes=64)
    linked = tiny_image().sizes
    assert report.flash_bytes is not None
    assert report.ram_bytes is not None
    assert linked.flash_bytes <= report.flash_bytes + 4096
    assert linked.ram_bytes <= report.ram_bytes + 1024


def test_too_much_is_named_with_the_figures() -> None:
    board = load_board("nano33ble-sense")
    report = fit(TINY, board, flash_limit=30_000, ram_limit=10_000)
    assert not report.fits
    flash, ram = report.problems
    assert flash.startswith("flash: ")
    assert f"{report.flash_bytes - 30_000:,} too many" in flash  # type: ignore[operator]
    assert ram.startswith("RAM: ")
    wide = fit(TINY, board, window_bytes=120_000)
    assert "RAM" in wide.problems[0]


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
    for folder in (Path(__file__).parents[2] / "include" / "projects").iterdir():
        if (folder / "project.yaml").exists():
            scope = load_project(folder.name)
            for name in scope.boards:
                check_sensor(scope, load_board(name))
