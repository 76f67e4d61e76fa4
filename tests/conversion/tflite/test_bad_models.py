"""Models that must be refused: one line that names the tensor or the operator, and nobody dies."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.support.conversion.mutation import HOSTILE, SOUND, dense, many_views
from tests.support.shared_data import shared
from tinyops.boards.catalogue import load_board
from tinyops.conversion.images.fit import fit
from tinyops.conversion.images.memory import interpreted, planned
from tinyops.conversion.images.operators import supported
from tinyops.conversion.tflite.canonical import canonical
from tinyops.conversion.tflite.errors import ConversionError
from tinyops.conversion.tflite.flatbuffer import MAX_BYTES, parse, schema_module, write_model
from tinyops.conversion.tflite.reference import Reference

TINY = SOUND[0]
SCHEMA = schema_module()
Change = Callable[[Any, Any], None]


def changed(change: Change) -> bytes:
    model = parse(TINY)
    change(model, model.subgraphs[0])
    return write_model(model)


def refusal(tflite: bytes) -> str:
    with pytest.raises(ConversionError) as refused:
        canonical(tflite)
    assert "\n" not in str(refused.value)
    assert refused.value.fix
    return refused.value.message


def _input_type(kind: int) -> Change:
    def change(_: Any, graph: Any) -> None:
        graph.tensors[graph.inputs[0]].type = kind

    return change


def _output_type(_: Any, graph: Any) -> None:
    graph.tensors[graph.outputs[0]].type = SCHEMA.TensorType.UINT8


def _open_size(_: Any, graph: Any) -> None:
    graph.tensors[graph.inputs[0]].shapeSignature = [-1, -1, 1, 1]


def _batch(_: Any, graph: Any) -> None:
    graph.tensors[graph.inputs[0]].shape = [8, 32, 1, 1]


def _huge(_: Any, graph: Any) -> None:
    graph.tensors[graph.operators[0].outputs[0]].shape = [1, 2**30, 2**30, 4]


def _subgraphs(model: Any, graph: Any) -> None:
    model.subgraphs = [graph, graph]


def _two_inputs(_: Any, graph: Any) -> None:
    graph.inputs = [*graph.inputs, graph.operators[1].inputs[0]]


def _custom(model: Any, graph: Any) -> None:
    code = model.operatorCodes[graph.operators[0].opcodeIndex]
    code.builtinCode = code.deprecatedBuiltinCode = SCHEMA.BuiltinOperator.CUSTOM
    code.customCode = "FlexErf"


def _state(model: Any, graph: Any) -> None:
    code = SCHEMA.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode = SCHEMA.BuiltinOperator.VAR_HANDLE, 127
    model.operatorCodes.append(code)
    operator = SCHEMA.OperatorT()
    operator.opcodeIndex, operator.inputs = len(model.operatorCodes) - 1, []
    operator.outputs = [graph.operators[0].outputs[0]]
    graph.operators.insert(0, operator)


def _no_scale(_: Any, graph: Any) -> None:
    graph.tensors[graph.inputs[0]].quantization = None


def _wire(_: Any, graph: Any) -> None:
    graph.operators[2].inputs = [9999, *graph.operators[2].inputs[1:]]


def _no_weights(model: Any, graph: Any) -> None:
    model.buffers[graph.tensors[graph.operators[0].inputs[1]].buffer].data = [1, 2, 3]


def _no_options(_: Any, graph: Any) -> None:
    graph.operators[0].builtinOptions, graph.operators[0].builtinOptionsType = None, 0


def _flat_weights(_: Any, graph: Any) -> None:
    graph.tensors[graph.operators[0].inputs[1]].shape = [16]


def _missing(model: Any, graph: Any) -> None:
    code = model.operatorCodes[graph.operators[0].opcodeIndex]
    code.builtinCode, code.deprecatedBuiltinCode = SCHEMA.BuiltinOperator.STABLEHLO_TANH, 127


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_input_type(0), r"hybrid model: CONV_2D \(operator 0.* FLOAT32 input serving_default"),
        (_input_type(3), "input serving_default_keras_tensor:0 is UINT8, not INT8"),
        (_output_type, "output StatefulPartitionedCall.* is UINT8, not INT8"),
        (_open_size, r"input serving_default.* has shape \[-1, -1, 1, 1\]"),
        (_batch, r"input serving_default.* has shape"),
        (_huge, r"tensor sequential.*conv2d.* has shape \[1, 1073741824, "),
        (_subgraphs, "the model has 2 subgraphs"),
        (_two_inputs, "the model has 2 inputs and 1 outputs: serving_default.*, sequential"),
        (_custom, r"custom operator FlexErf \(operator 0, makes sequential.*conv2d"),
        (_state, r"VAR_HANDLE \(operator 0, makes sequential.*\) keeps state"),
        (_no_scale, "input serving_default.* has no int8 scale"),
        (_wire, r"an input of CONV_2D \(operator 2, makes .*\) is tensor 9999, there are"),
        (_no_options, r"CONV_2D \(operator 0, makes .*\) has no options, not Conv2DOptions"),
        (_flat_weights, r"CONV_2D \(operator 0, .*\) reads .*convolution of shape \[16\], not"),
        (_no_weights, r"Tensor \d+ is invalidly specified in schema.* \(tensor .+\)"),
        (_missing, r"operator STABLEHLO_TANH \(operator 0, makes sequential.*\) is not in LiteRT"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_the_refusal_names_the_tensor_or_the_operator(change: Change, reason: str) -> None:
    message = refusal(changed(change))
    assert re.search(reason, message), message


def test_a_hybrid_float_and_stateful_model_say_what_they_are() -> None:
    models = shared("data/tflite_models")
    for path, reason in (
        ("mlperf_tiny/ad01_dynrange_quant", "hybrid model: FULLY_CONNECTED (operator 0"),
        ("mlonmcu/magic_wand", "input conv2d_input is FLOAT32, not INT8"),
        ("esphome_mww/v2/hey_jarvis", "2 subgraphs, needed by CALL_ONCE (operator 0)"),
    ):
        assert reason in refusal((models / f"{path}.tflite").read_bytes())


def test_a_file_above_the_limit_is_not_read() -> None:
    assert f"at most {MAX_BYTES:,} are read" in refusal(TINY.ljust(MAX_BYTES + 1, b"\0"))


def test_a_small_file_that_is_a_model_without_end_takes_neither_time_nor_memory(
    tmp_path: Path,
) -> None:
    file = tmp_path / "views.tflite"
    file.write_bytes(many_views())
    assert file.stat().st_size < 1_000_000
    code = (
        "import re, sys; from pathlib import Path\n"
        "from tinyops.conversion.tflite.canonical import canonical\n"
        "from tinyops.conversion.tflite.errors import ConversionError\n"
        "try:\n    canonical(Path(sys.argv[1]).read_bytes())\n"
        "except ConversionError as error:\n    print(error)\n"
        # Not ru_maxrss: Linux hands the peak of the process that forked on through exec.
        "status = Path('/proc/self/status').read_text()\n"
        "print(int(re.search(r'VmHWM:\\s+(\\d+) kB', status)[1]) // 1024)"
    )
    command = [sys.executable, "-c", code, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    line, mebibytes = done.stdout.splitlines()
    assert "the reader of .tflite files needs more than 384 MiB" in line
    assert int(mebibytes) < 200


def test_inputs_of_the_wrong_shape_or_type_are_named() -> None:
    model = Reference(canonical(TINY))
    for inputs in (
        np.zeros((2, 31), np.int8),
        np.zeros((2, 32), np.uint8),
        np.zeros((0, 32), np.int8),
    ):
        with pytest.raises(ConversionError, match=r"the model takes int8 \[1, 32, 1, 1\], given"):
            model.run(inputs)
    assert model.run(np.zeros((2, 32), np.int8)).shape == (2, 4)


def test_a_model_that_is_larger_than_the_board_is_told_by_how_much() -> None:
    board = load_board("nano33ble-sense")
    small = board.flash.model_copy(update={"app_bytes": 4 * board.flash.page_bytes})
    (problem,) = fit(dense(512, 64), board.model_copy(update={"flash": small})).problems
    assert problem.startswith(
        f"the weights take 32,768 bytes of flash, nano33ble-sense has {small.app_bytes:,}; the "
        "largest, 32,768 bytes, is kernel of FULLY_CONNECTED (operator 0, makes logits)"
    )
    (problem,) = fit(dense(512, 64), load_board("esp-eye"), flash_limit=100_000).problems
    assert problem.endswith("too many")


def outcomes(tflite: bytes) -> Iterator[ConversionError]:
    """What is wrong with a model for each part that takes it from a stranger."""
    eye, nano = load_board("esp-eye"), load_board("nano33ble-sense")
    for take in (canonical, lambda it: interpreted(it, eye), lambda it: planned(it, nano)):
        try:
            take(tflite)
        except ConversionError as error:
            yield error
    try:
        supported(tflite)
    except ConversionError as error:
        yield error


def require_lines(tflite: bytes) -> None:
    """Nothing but errors of one line, soon."""
    start = time.monotonic()
    for error in outcomes(tflite):
        assert "\n" not in str(error)
        assert len(str(error)) < 1000
        assert error.message
    assert time.monotonic() - start < 300


FUZZ = settings(
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@settings(FUZZ, max_examples=30)
@given(HOSTILE)
def test_a_damaged_model_is_fine_or_one_line(tflite: bytes) -> None:
    require_lines(tflite)


@pytest.mark.soak
@pytest.mark.timeout(0)
@settings(FUZZ, max_examples=20_000, derandomize=False)
@given(HOSTILE)
def test_twenty_thousand_damaged_models(tflite: bytes) -> None:
    require_lines(tflite)
