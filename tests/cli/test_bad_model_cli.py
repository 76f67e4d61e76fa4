"""`tinyops fit`, `compile`, `prove`, `ops` on models that must be refused: one line, exit 1."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.chip import MODELS
from tinyops.cli.main import main
from tinyops.conversion.tflite.flatbuffer import parse, schema_module, write_model

TINY = MODELS / "tiny.tflite"
COMMANDS = {
    "fit": (),
    "compile": ("--board", "nano33ble-sense", "--out", "made"),
    "prove": ("--board", "esp-eye"),
    "ops": (),
}


def uint8_model() -> bytes:
    model = parse(TINY.read_bytes())
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].type = schema_module().TensorType.UINT8
    return write_model(model)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    (tmp_path / "uint8.tflite").write_bytes(uint8_model())
    (tmp_path / "cut.tflite").write_bytes(TINY.read_bytes()[:3000])
    (tmp_path / "large.tflite").write_bytes(b"\0\0\0\0TFL3" + bytes(17 << 20))
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("model", "reason"),
    [("cut", "damaged .tflite: "), ("large", "larger than the 16,777,216 bytes")],
)
def test_a_file_that_is_no_model_is_one_line(
    command: str,
    model: str,
    reason: str,
    folder: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert main([command, f"{model}.tflite", *COMMANDS[command]]) == 1
    printed = capfd.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith(f"error: {model}.tflite: ")
    assert reason in line
    assert " -> " in line


@pytest.mark.parametrize("command", ["fit", "compile", "prove"])
def test_the_tensor_is_named_and_what_to_do(
    command: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "uint8.tflite", *COMMANDS[command], "--json"]) == 1
    found = json.loads(capfd.readouterr().out)
    assert found["error"].startswith(
        "uint8.tflite: input serving_default_keras_tensor:0 is UINT8, not INT8: CONV_2D (operator "
        "0, makes sequential_1/conv2d_1/Relu;"
    )
    assert "inference_input_type" in found["fix"]


def test_ops_shows_the_operators_of_a_model_that_no_board_takes(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["ops", "uint8.tflite"]) == 1
    printed = capfd.readouterr().out
    assert "DEPTHWISE_CONV_2D" in printed
    assert "boards with runtime tflm: no: input serving_default_keras_tensor:0 is UINT8" in printed
    assert main(["ops", str(TINY), "--json"]) == 0
    assert len(json.loads(capfd.readouterr().out)["operators"]) == 10


def test_ops_without_a_model_prints_the_three_sets(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["ops", "--json"]) == 0
    sets = json.loads(capfd.readouterr().out)
    assert [each["package"] for each in sets] == ["ai-edge-litert", "tflite_micro", "bakenn"]
    assert main(["ops"]) == 0
    printed = capfd.readouterr().out
    rows = {line.split()[0]: line.split()[1:] for line in printed.splitlines() if line.strip()}
    assert rows["CONV_2D"] == ["yes", "yes", "CMSIS-NN"]
    assert rows["GELU"] == ["yes", "no", "no"]
