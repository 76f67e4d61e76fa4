"""The canonical form: what is rewritten, and that nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

from chip import MODELS
from shared_data import shared
from tinyops.conversion import canonical as module
from tinyops.conversion.canonical import canonical
from tinyops.conversion.errors import ConversionError
from tinyops.conversion.flatbuffer import operator_name, read_model
from tinyops.conversion.reference import Reference

TINY = (MODELS / "tiny.tflite").read_bytes()
MLPERF = ("kws_ref_model", "str_ww_ref_model", "pretrainedResnet_quant", "ad01_int8", "vww_96_int8")


def operators(tflite: bytes) -> list[str]:
    model = read_model(tflite)
    return [operator_name(model, each) for each in model.subgraphs[0].operators]


def test_what_the_compiler_refuses_is_rewritten() -> None:
    before, after = operators(TINY), operators(canonical(TINY))
    assert before[-1] == "SOFTMAX"
    assert "SHAPE" in before
    assert after == [
        "PAD",
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
    assert "SOFTMAX" not in found
    assert found.count("PAD") == {"pretrainedResnet_quant": 2, "ad01_int8": 0}.get(
        name, int(name != "str_ww_ref_model")
    )


def test_a_rewrite_that_changes_the_result_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    original = module._asymmetric_pads

    def wrong(*given: object) -> object:
        pads = original(*given)  # type: ignore[arg-type]
        return None if pads is None else pads[:, ::-1].copy()

    monkeypatch.setattr(module, "_asymmetric_pads", wrong)
    with pytest.raises(ConversionError, match="differs from the original on check input"):
        canonical(TINY)


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
