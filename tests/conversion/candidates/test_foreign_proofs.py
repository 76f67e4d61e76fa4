"""Models of other tool chains and of training for int8, proven on the emulated chip."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.conversion import foreign
from tests.support.conversion.foreign import TINY
from tests.support.shared_data import shared
from tinyops.boards.catalogue import load_board
from tinyops.conversion.candidates.prove import prove
from tinyops.conversion.images.bare import build_bare, inputs_for
from tinyops.conversion.images.image import BuiltImage
from tinyops.conversion.tflite.reference import Reference

pytestmark = pytest.mark.slow


def everything() -> bytes:
    """Float ends, bias scales of training for int8, a sharp SOFTMAX, an operator that nothing
    reads, operator codes in one field."""
    made = foreign.softmax_beta(foreign.bias_scales(TINY), 2.0)
    return foreign.codes_in_one_field(foreign.unread_operator(foreign.float_ends(made)))


MADE = {
    "everything": everything,
    "dense on rows": lambda: foreign.dense_rows(6, 8, 5, channels=True),
    "one reshape": lambda: foreign.one_reshape((1, 4, 5), (1, 20)),
}


def proven(tflite: bytes, board: str, folder: Path) -> BuiltImage:
    built = build_bare(tflite, load_board(board), "model", folder)
    inputs = inputs_for(Reference(built.canonical).input_shape[1:], 4, seed=3)
    assert prove(built.image, built.canonical, inputs).mismatches == 0
    return built


@pytest.mark.parametrize(
    ("model", "board"),
    [("everything", "esp-eye"), *((name, "nano33ble-sense") for name in MADE)],
)
def test_what_is_rewritten_is_proven(model: str, board: str, tmp_path: Path) -> None:
    built = proven(MADE[model](), board, tmp_path)
    assert len(built.to_dict()["notes"]) == (5 if model == "everything" else 0)


@pytest.mark.parametrize(
    "file",
    [
        "models/qat_outlier_channel",
        "models/bias_overflow",
        "models/tfmot_qat_dense_uint8",
        "extend/pump_candidate_model",
    ],
)
def test_models_trained_for_int8_are_proven(file: str, tmp_path: Path) -> None:
    proven(shared(f"failing/{file}.tflite").read_bytes(), "nano33ble-sense", tmp_path)
