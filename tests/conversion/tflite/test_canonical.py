"""The canonical form: what is rewritten, and that nothing else changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.chip import MODELS
from tests.support.shared_data import shared
from tinyops.conversion.images.aot import compile_model
from tinyops.conversion.tflite import canonical as module
from tinyops.conversion.tflite.canonical import canonical
from tinyops.conversion.tflite.check_inputs import check_inputs
from tinyops.conversion.tflite.errors import ConversionError
from tinyops.conversion.tflite.flatbuffer import (
    operator_name,
    read_model,
    schema_module,
    write_model,
)
from tinyops.conversion.tflite.reference import Reference
from tinyops.conversion.tflite.rewrites.graph import add_buffer

TINY = (MODELS / "tiny.tflite").read_bytes()
MLPERF = ("kws_ref_model", "str_ww_ref_model", "pretrainedResnet_quant", "ad01_int8", "vww_96_int8")


def operators(tflite: bytes) -> list[str]:
    model = read_model(tflite)
    return [operator_name(model, each) for each in model.subgraphs[0].operators]


def facts(tflite: bytes) -> list[tuple[str, int, int]]:
    """Name, version and kind of options of each operator."""
    model = read_model(tflite)
    return [
        (
            operator_name(model, each),
            model.operatorCodes[each.opcodeIndex].version,
            each.builtinOptionsType,
        )
        for each in model.subgraphs[0].operators
    ]


def test_what_the_compiler_refuses_is_rewritten() -> None:
    before, after = operators(TINY), operators(canonical(TINY))
    assert before[-1] == "SOFTMAX"
    assert "SHAPE" in before
    assert after == [
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "CONV_2D",
        "AVERAGE_POOL_2D",
        "RESHAPE",
        "FULLY_CONNECTED",
    ]
    model = read_model(canonical(TINY))
    assert all(tensor.shapeSignature is None for tensor in model.subgraphs[0].tensors)


def test_the_form_is_stable() -> None:
    once = canonical(TINY)
    assert operators(canonical(once)) == operators(once)


def test_logits_order_classes_as_the_softmax_did() -> None:
    generator = np.random.default_rng(2)
    inputs = generator.integers(-128, 128, (20, 32, 1, 1)).astype(np.int8)
    shares, logits = Reference(TINY).run(inputs), Reference(canonical(TINY)).run(inputs)
    for share, logit in zip(shares, logits, strict=True):
        assert share[logit.argmax()] == share.max()
    assert not np.array_equal(shares, logits)


@pytest.mark.parametrize("name", MLPERF)
def test_the_mlperf_tiny_models_have_a_canonical_form(name: str) -> None:
    tflite = shared(f"data/tflite_models/mlperf_tiny/{name}.tflite").read_bytes()
    found = operators(canonical(tflite))
    assert not {"SOFTMAX", "PAD"} & set(found)


def test_a_rewrite_that_changes_the_result_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(model: Any) -> list[str]:
        graph = model.subgraphs[0]
        weight = graph.tensors[graph.operators[0].inputs[1]]
        weight.buffer = add_buffer(model, bytes(bytearray(model.buffers[weight.buffer].data))[::-1])
        return []

    monkeypatch.setattr(module, "REWRITES", (*module.REWRITES, wrong))
    with pytest.raises(ConversionError, match="differs from the original on check input"):
        canonical(TINY)


def first_convolution(tflite: bytes) -> tuple[list[int], list[int], int]:
    """Shapes of the input and the weight, stride along a row."""
    graph = read_model(tflite).subgraphs[0]
    operator = graph.operators[0]
    shapes = [[int(size) for size in graph.tensors[index].shape] for index in operator.inputs[:2]]
    return shapes[0], shapes[1], int(operator.builtinOptions.strideW)


def test_columns_of_an_image_are_folded_into_its_channels() -> None:
    image = (MODELS / "image.tflite").read_bytes()
    assert first_convolution(image) == ([1, 12, 16, 3], [8, 3, 3, 3], 2)
    assert first_convolution(canonical(image)) == ([1, 12, 8, 6], [8, 3, 2, 6], 1)
    inputs = np.random.default_rng(4).integers(-128, 128, (8, 12, 16, 3)).astype(np.int8)
    assert np.array_equal(Reference(image).run(inputs), Reference(canonical(image)).run(inputs))


@pytest.mark.parametrize("keeps", [False, True])
def test_a_fully_connected_layer_of_any_rank_becomes_one_of_rank_2(keeps: bool) -> None:
    model = read_model(canonical(TINY))
    graph = model.subgraphs[0]
    reshape = graph.operators.pop(-2)
    linear = graph.operators[-1]
    assert operator_name(model, reshape) == "RESHAPE"
    linear.inputs = [reshape.inputs[0], *linear.inputs[1:]]
    if keeps:
        linear.builtinOptions.keepNumDims = True
        graph.tensors[linear.outputs[0]].shape = [1, 1, 1, 4]
    tail = ["RESHAPE", "FULLY_CONNECTED"] + ["RESHAPE"] * keeps
    assert operators(canonical(write_model(model)))[-len(tail) :] == tail


def test_missing_options_and_newer_versions_are_set(tmp_path: Path) -> None:
    model = read_model(TINY)
    for operator in model.subgraphs[0].operators:
        if operator_name(model, operator) in ("RESHAPE", "FULLY_CONNECTED"):
            operator.builtinOptions, operator.builtinOptionsType = None, 0
    for code in model.operatorCodes:
        if code.builtinCode == schema_module().BuiltinOperator.FULLY_CONNECTED:
            code.version = 12
    repaired = canonical(write_model(model))
    assert facts(repaired) == facts(canonical(TINY))
    compile_model(repaired, tmp_path)


def test_the_axis_of_an_old_converters_bias_is_repaired() -> None:
    model = read_model(TINY)
    for tensor in model.subgraphs[0].tensors:
        if (
            tensor.type == schema_module().TensorType.INT32
            and tensor.quantization.scale is not None
        ):
            tensor.quantization.quantizedDimension = 3
    assert operators(canonical(write_model(model))) == operators(canonical(TINY))


def test_check_inputs_reach_both_ends_and_every_corner() -> None:
    inputs = list(check_inputs((1, 4, 5, 2)))
    assert all(each.shape == (1, 4, 5, 2) and each.dtype == np.int8 for each in inputs)
    assert len({each.tobytes() for each in inputs}) == len(inputs)
    for value in (-128, 0, 127):
        assert any((each == value).all() for each in inputs)
    for corner in (0, -1):
        assert any(each.ravel()[corner] == 127 and (each == 127).sum() == 1 for each in inputs)


@pytest.mark.parametrize("name", ["micro_speech_quantized", "person_detect", "hello_world_int8"])
def test_models_of_other_exporters_compile(name: str, tmp_path: Path) -> None:
    tflite = shared(f"data/tflite_models/tflm/{name}.tflite").read_bytes()
    assert (
        not compile_model(canonical(tflite), tmp_path).portable_steps or name == "hello_world_int8"
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "TFL3 is missing"),
        (b"\0\0\0\0TFL3" + bytes(40), "subgraphs|damaged|operators"),
        (TINY[:900], "damaged|LiteRT"),
    ],
    ids=["empty", "header only", "cut short"],
)
def test_what_is_no_model_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(ConversionError, match=reason):
        canonical(content)


def test_a_hybrid_model_is_refused_by_operator_and_tensor() -> None:
    tflite = shared("data/tflite_models/mlperf_tiny/ad01_dynrange_quant.tflite").read_bytes()
    with pytest.raises(ConversionError, match=r"hybrid model: FULLY_CONNECTED .* FLOAT32 input"):
        canonical(tflite)
