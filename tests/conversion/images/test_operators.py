"""Which runtime has which operator, as the installed packages say themselves."""

from __future__ import annotations

import re

import pytest

from tests.support.chip import MODELS
from tests.support.conversion.mutation import dense
from tests.support.shared_data import shared
from tinyops.conversion.images.alternatives import ALTERNATIVES, instead_of
from tinyops.conversion.images.operators import ModelSupport, operator_sets, supported
from tinyops.conversion.tflite.flatbuffer import parse, schema_module, write_model
from tinyops.conversion.tflite.operator_probe import (
    aot_set,
    builtin_operators,
    litert_set,
    tflm_set,
)

TINY = (MODELS / "tiny.tflite").read_bytes()


def problems(found: ModelSupport) -> dict[str, str]:
    return {each.runtime: each.problem for each in found.verdicts}


def test_each_set_is_a_part_of_the_next() -> None:
    aot, tflm, litert = (each().operators for each in (aot_set, tflm_set, litert_set))
    assert aot < tflm < litert < set(builtin_operators())
    assert aot_set().fast < aot
    assert {"CONV_2D", "FULLY_CONNECTED"} <= aot_set().fast
    assert all(re.match(r"\d", each.version) for each in operator_sets())


@pytest.mark.parametrize(
    ("operator", "litert", "tflm", "aot"),
    [
        ("SOFTMAX", True, True, False),
        ("GELU", True, False, False),
        ("STABLEHLO_TANH", False, False, False),
        ("PAD", True, True, True),
    ],
)
def test_known_operators_are_where_their_runtimes_have_them(
    operator: str, litert: bool, tflm: bool, aot: bool
) -> None:
    found = [operator in each.operators for each in operator_sets()]
    assert found == [litert, tflm, aot]


def test_alternatives_are_for_what_the_compiler_lacks_and_name_only_what_it_has() -> None:
    names, aot = set(builtin_operators()), aot_set().operators
    assert set(ALTERNATIVES) <= names - aot
    for name in names - aot:
        advice = instead_of(name, name in tflm_set().operators)
        named = set(re.findall(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b|\bRESHAPE\b", advice)) & names
        on_boards = tflm_set().operators if "runtime tflm" in advice else aot
        assert named - {name} <= on_boards, (name, advice)


def test_a_model_that_all_take_says_which_kernels_it_gets() -> None:
    found = supported(TINY)
    assert set(problems(found).values()) == {""}
    assert found.on_a_board()
    kernels = {row.operator: row.aot for row in found.operators}
    assert kernels["SOFTMAX"] == kernels["SHAPE"] == "rewritten away"
    assert kernels["AVERAGE_POOL_2D"] == "CMSIS-NN"
    assert kernels["FULLY_CONNECTED"] == "portable C"
    assert not any(row.instead for row in found.operators)


def test_an_operator_that_a_runtime_lacks_is_named_with_its_layer() -> None:
    model, schema = parse(TINY), schema_module()
    code = model.operatorCodes[model.subgraphs[0].operators[0].opcodeIndex]
    code.builtinCode, code.deprecatedBuiltinCode, code.version = (
        schema.BuiltinOperator.GELU,
        127,
        1,
    )
    found = supported(write_model(model))
    row = found.operators[0]
    assert (row.operator, row.litert, row.tflm, row.aot) == ("GELU", True, False, "no")
    assert "ReLU6" in row.instead
    assert "sequential_1/conv2d_1/Relu" in row.makes
    assert not found.on_a_board()


def test_the_edges_of_others_models() -> None:
    models = shared("data/tflite_models")
    lstm = problems(supported((models / "tflm/trained_lstm_int8.tflite").read_bytes()))
    assert lstm.pop("boards with runtime aot").startswith(
        "the ahead-of-time compiler refuses the model: UNIDIRECTIONAL_SEQUENCE_LSTM (operator 0"
    )
    assert set(lstm.values()) == {""}
    hybrid = problems(supported((models / "mlperf_tiny/ad01_dynrange_quant.tflite").read_bytes()))
    assert hybrid.pop("LiteRT") == ""
    assert all("FULLY_CONNECTED (operator 0" in problem for problem in hybrid.values())
    state = problems(supported((models / "esphome_mww/v2/hey_jarvis.tflite").read_bytes()))
    assert [runtime for runtime, problem in state.items() if not problem] == [
        "LiteRT",
        "TensorFlow Lite Micro, the file as it is",
    ]


def test_the_content_is_json() -> None:
    content = supported(dense(8, 4)).to_dict()
    assert [row["aot"] for row in content["operators"]] == ["portable C"]
    assert {each["package"] for each in content["sets"]} == {
        "ai-edge-litert",
        "tflite_micro",
        "bakenn",
    }
