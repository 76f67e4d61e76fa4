"""Leftovers of other tool chains in a model: the canonical form computes the same and says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.conversion import foreign
from tests.support.conversion.foreign import TINY
from tests.support.conversion.mutation import dense
from tinyops.conversion.images.aot import compile_model
from tinyops.conversion.images.operators import supported
from tinyops.conversion.tflite.canonical import Canonical, canonical, rewritten
from tinyops.conversion.tflite.check_inputs import check_inputs
from tinyops.conversion.tflite.errors import ConversionError
from tinyops.conversion.tflite.flatbuffer import operator_name, parse, schema_module, write_model
from tinyops.conversion.tflite.reference import Reference
from tinyops.conversion.tflite.rewrites.ends import strip_input, strip_output
from tinyops.conversion.tflite.rewrites.graph import label_operators

PLAIN = canonical(TINY)
SHAPE = (1, 32, 1, 1)
INPUTS = np.concatenate(list(check_inputs(SHAPE)))


def logits(tflite: bytes) -> np.ndarray:
    return Reference(tflite).run(INPUTS)


def operators(tflite: bytes) -> list[str]:
    model = parse(tflite)
    return [operator_name(model, each) for each in model.subgraphs[0].operators]


def input_quantisation(tflite: bytes) -> tuple[float, int]:
    graph = parse(tflite).subgraphs[0]
    quantization = graph.tensors[graph.inputs[0]].quantization
    return float(quantization.scale[0]), int(quantization.zeroPoint[0])


@pytest.mark.parametrize("kind", ["float", "uint8"])
def test_conversions_at_the_ends_go_and_the_note_says_what_to_feed(kind: str) -> None:
    made = foreign.float_ends(TINY) if kind == "float" else foreign.uint8_ends(TINY)
    form = rewritten(made)
    assert operators(form.tflite) == operators(PLAIN)
    assert np.array_equal(logits(form.tflite), logits(PLAIN))
    scale, zero = input_quantisation(TINY)
    fed, behind, softmax = form.notes
    if kind == "float":
        # What the original computes of a float is what the form computes of what the note says.
        real = np.linspace(-4, 4, 32, dtype=np.float32).reshape(SHAPE)
        shares = Reference(made).run(real)
        int8 = np.clip(np.round(real / scale) + zero, -128, 127).astype(np.int8)
        assert f"feed round(x / {scale:.9g}) {'+' if zero > 0 else '-'} {abs(zero)} for a" in fed
    else:
        pixels = np.arange(0, 256, 8).astype(np.uint8).reshape(SHAPE)
        shares = Reference(made).run(pixels)
        int8 = (pixels.astype(np.int16) - 128).astype(np.int8)
        assert "feed x - 128 for a uint8 x" in fed
    assert Reference(form.tflite).run(int8)[0].argmax() == shares[0].argmax()
    assert fed.startswith("QUANTIZE (operator 0, makes ")
    assert behind.startswith(("DEQUANTIZE (operator 11, ", "QUANTIZE (operator 11, "))
    assert softmax.startswith("SOFTMAX (operator 10, makes ")


def test_a_shape_that_is_computed_from_the_float_input_keeps_no_conversion() -> None:
    model = parse(foreign.float_ends(TINY))
    graph = model.subgraphs[0]
    (shape,) = [each for each in graph.operators if operator_name(model, each) == "SHAPE"]
    shape.inputs = list(graph.inputs)
    graph.operators.insert(0, graph.operators.pop(graph.operators.index(shape)))
    form = rewritten(write_model(model))
    assert operators(form.tflite) == operators(PLAIN)
    assert np.array_equal(logits(form.tflite), logits(PLAIN))


def test_a_quantize_that_rescales_is_refused_by_name_and_scales() -> None:
    scale, _ = input_quantisation(TINY)
    with pytest.raises(ConversionError) as refused:
        canonical(foreign.uint8_ends(TINY, input_factor=1.25))
    assert refused.value.message == (
        "input UINT8_0 is UINT8, not INT8: QUANTIZE (operator 0, makes "
        f"serving_default_keras_tensor:0) reads it and rescales it from {1.25 * scale:.6g} to "
        f"{scale:.6g}"
    )
    with pytest.raises(
        ConversionError, match=r"is UINT8, not INT8: QUANTIZE \(operator 11, .*\) m"
    ):
        canonical(foreign.uint8_ends(TINY, output_factor=1.25))


def test_a_float_operator_inside_is_named() -> None:
    model = parse(foreign.float_ends(TINY))
    last = parse(foreign.float_ends(TINY)).subgraphs[0].tensors[model.subgraphs[0].outputs[0]]
    last.name = "sigmoid"
    model.subgraphs[0].tensors.append(last)
    count = len(model.subgraphs[0].tensors)
    foreign.add_operator(model, "LOGISTIC", [int(model.subgraphs[0].outputs[0])], [count - 1])
    model.subgraphs[0].outputs = [count - 1]
    with pytest.raises(
        ConversionError, match=r"FLOAT32, not INT8: LOGISTIC \(operator 12, makes s"
    ):
        canonical(write_model(model))


def test_bias_scales_of_training_for_int8_become_those_of_the_kernels(tmp_path: Path) -> None:
    form = rewritten(foreign.bias_scales(TINY))
    assert np.array_equal(logits(form.tflite), logits(PLAIN))
    compile_model(form.tflite, tmp_path)
    graph = parse(form.tflite).subgraphs[0]
    for operator in graph.operators:
        if len(operator.inputs) > 2:
            source, weight, bias = (
                np.asarray(graph.tensors[each].quantization.scale, np.float32)
                for each in operator.inputs
            )
            product = source.astype(np.float64) * weight.astype(np.float64)
            assert np.array_equal(bias, product.astype(np.float32))
    (note,) = [note for note in form.notes if "bias" in note]
    assert "bias scales of 4 operators rounded to input scale x weight scale" in note


def test_a_bias_scale_far_off_is_told_with_both_scales_and_computed_as_the_kernels_do(
    tmp_path: Path,
) -> None:
    moved = foreign.bias_scales(TINY, factor=1.001)
    form = rewritten(moved)
    assert np.array_equal(logits(form.tflite), logits(canonical(TINY)))
    compile_model(form.tflite, tmp_path)
    (note,) = [note for note in form.notes if note.startswith("CONV_2D (operator 0, makes ")]
    graph = parse(moved).subgraphs[0]
    scales = [
        np.asarray(graph.tensors[each].quantization.scale)
        for each in parse(TINY).subgraphs[0].operators[0].inputs
    ]
    pairs = [f"{given:.6g}" for given in scales[2]], [f"{s:.6g}" for s in scales[0] * scales[1]]
    assert any(
        f"bias scale {given} of channel" in note and f"x weight scale {product}:" in note
        for given, product in zip(*pairs, strict=True)
    )


@pytest.mark.parametrize("beta", [0.25, 2.0])
def test_the_factor_of_a_softmax_is_in_the_scale_of_the_logits(beta: float) -> None:
    form = rewritten(foreign.softmax_beta(TINY, beta))
    assert np.array_equal(logits(form.tflite), logits(PLAIN))
    scale = Reference(form.tflite).output_scale
    assert scale == pytest.approx(beta * Reference(PLAIN).output_scale, rel=1e-7)
    assert f"beta {beta:g} included" in form.notes[0]
    # The shares of the original are those of logits with this scale.
    shares = (logits(foreign.softmax_beta(TINY, beta)).astype(float) + 128) / 256
    powers = np.exp(scale * logits(form.tflite).astype(float))
    assert np.abs(powers / powers.sum(axis=1, keepdims=True) - shares).max() < 1.5 / 256


@pytest.mark.parametrize("beta", [1.5, 0.0, -1.0, float("nan"), float("inf")])
def test_a_factor_that_scales_cannot_take_is_refused(beta: float) -> None:
    with pytest.raises(ConversionError) as refused:
        canonical(foreign.softmax_beta(TINY, beta))
    assert refused.value.message.startswith("SOFTMAX (operator 9, makes Stateful")
    assert f"has beta {beta:g}" in refused.value.message


def test_two_softmax_lose_one() -> None:
    model = parse(TINY)
    graph = model.subgraphs[0]
    again = foreign.add_operator(model, "SOFTMAX", [int(graph.outputs[0])], [])
    again.builtinOptions = graph.operators[-2].builtinOptions
    again.builtinOptionsType = graph.operators[-2].builtinOptionsType
    graph.tensors.append(parse(TINY).subgraphs[0].tensors[graph.outputs[0]])
    graph.tensors[-1].name = "again"
    again.outputs = graph.outputs = [len(graph.tensors) - 1]
    assert operators(canonical(write_model(model)))[-1] == "SOFTMAX"


def test_an_operator_that_nothing_reads_hides_no_softmax() -> None:
    form = rewritten(foreign.unread_operator(TINY))
    assert operators(form.tflite) == operators(PLAIN)
    dead, softmax = form.notes
    assert dead == "CONV_2D (operator 10, makes unread) removed: nothing reads its result"
    assert softmax.startswith("SOFTMAX (operator 9, ")


def test_codes_of_schema_3a_alone_are_read_by_the_compiler(tmp_path: Path) -> None:
    form = canonical(foreign.codes_in_one_field(TINY))
    codes = parse(form).operatorCodes
    assert all(code.deprecatedBuiltinCode == code.builtinCode for code in codes)
    compile_model(form, tmp_path)


@pytest.mark.parametrize("channels", [False, True])
def test_a_dense_layer_on_rows_is_a_convolution_with_its_bytes(
    channels: bool, tmp_path: Path
) -> None:
    tflite = foreign.dense_rows(6, 8, 5, channels)
    form = rewritten(tflite)
    assert operators(form.tflite) == ["RESHAPE", "CONV_2D", "RESHAPE"]
    assert set(form.operators) == {"FULLY_CONNECTED (operator 0, makes logits)"}
    inputs = np.concatenate(list(check_inputs((1, 6, 8))))
    before, after = Reference(tflite).run(inputs), Reference(form.tflite).run(inputs)
    assert np.array_equal(before, after)
    assert len(np.unique(before)) > 20
    compile_model(form.tflite, tmp_path)


def test_a_model_of_one_reshape_is_compiled_to_a_copy(tmp_path: Path) -> None:
    form = canonical(foreign.one_reshape((1, 4, 5), (1, 20)))
    (step,) = compile_model(form, tmp_path).steps
    assert step.kernel.startswith("portable.flatten_view")


def refusal(form: Canonical, folder: Path) -> str:
    with pytest.raises(ConversionError) as refused, form.naming():
        compile_model(form.tflite, folder)
    return refused.value.message


def test_the_compilers_refusal_names_the_operator_of_the_users_model(tmp_path: Path) -> None:
    # Behind a QUANTIZE that goes, the compiler counts one operator less than the user.
    model = parse(foreign.float_ends(TINY))
    graph = model.subgraphs[0]
    weights = model.buffers[graph.tensors[graph.operators[2].inputs[1]].buffer]
    weights.data = [128, *list(weights.data)[1:]]
    message = refusal(rewritten(write_model(model)), tmp_path)
    assert "refuses the model: DEPTHWISE_CONV_2D (operator 2, makes sequential_1/" in message
    assert "contains -128" in message
    model = parse(foreign.float_ends(foreign.dense_rows(6, 8, 5)))
    added = foreign.add_operator(model, "TANH", [0], [2])
    graph = model.subgraphs[0]
    graph.operators.insert(1, graph.operators.pop())
    extra = parse(dense(8, 5)).subgraphs[0].tensors[0]
    extra.name, extra.shape = "tanh", [1, 6, 8]
    graph.tensors.append(extra)
    added.outputs = [len(graph.tensors) - 1]
    graph.operators[2].inputs = [len(graph.tensors) - 1, *graph.operators[2].inputs[1:]]
    message = refusal(rewritten(write_model(model)), tmp_path)
    assert message.endswith(
        "refuses the model: TANH (operator 1, makes tanh): unsupported TFLite builtin operator "
        "code 28"
    )


def test_the_interpreters_refusal_names_the_operator_of_the_users_model() -> None:
    model = parse(foreign.tanh_last(canonical(TINY)))
    code = model.operatorCodes[model.subgraphs[0].operators[-1].opcodeIndex]
    code.builtinCode, code.deprecatedBuiltinCode = schema_module().BuiltinOperator.GELU, 127
    problems = {
        each.runtime: each.problem
        for each in supported(foreign.float_ends(write_model(model))).verdicts
    }
    assert problems["LiteRT"] == ""
    gelu = "GELU (operator 7, makes tanh)"
    assert problems["boards with runtime tflm"].startswith(f"operator {gelu} is not in Tensor")
    assert f"refuses the model: {gelu}: " in problems["boards with runtime aot"]


def test_ops_says_what_was_rewritten_and_counts_as_the_user_does() -> None:
    found = supported(foreign.float_ends(foreign.bias_scales(TINY)))
    assert [verdict.problem for verdict in found.verdicts] == ["", "", "", ""]
    assert [row.aot for row in found.operators if row.operator.endswith("QUANTIZE")] == [
        "rewritten away",
        "rewritten away",
    ]
    assert found.operators[1].aot == "CMSIS-NN"
    assert len(found.to_dict()["notes"]) == 4


@pytest.mark.parametrize("end", ["inputs", "outputs"])
def test_a_circle_at_an_end_is_left_alone(end: str) -> None:
    model = parse(foreign.one_reshape((1, 4), (1, 4)))
    graph = model.subgraphs[0]
    there, back = graph.operators[0], foreign.add_operator(model, "RESHAPE", [2], [0])
    back.builtinOptions, back.builtinOptionsType = there.builtinOptions, there.builtinOptionsType
    setattr(graph, end, [2 if end == "inputs" else 0])
    label_operators(model)
    assert strip_input(model) == strip_output(model) == []
