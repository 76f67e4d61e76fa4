"""The converter keeps the frontend's quantisation, or says that it did not."""

from __future__ import annotations

import numpy as np
import pytest

from tinyops.conversion.tflite.int8 import QuantisationError, input_quantisation, quantise
from tinyops.conversion.tflite.litert import int8_logits
from tinyops.training.fit import import_keras
from tinyops.training.models import build
from tinyops.training.recipe import Recipe

SHAPE = (32, 1, 3)


def test_input_quantisation_is_the_frontends() -> None:
    import_keras().utils.set_random_seed(1)
    model = build(SHAPE, 4, Recipe(width=8, blocks=2))
    features = np.random.default_rng(0).integers(-20, 20, (30, *SHAPE)).astype(np.int8)
    tflite = quantise(model, features, 1 / 32, 0)
    assert input_quantisation(tflite) == (1 / 32, 0)
    logits = int8_logits(tflite, features)
    wanted = model.predict(features.astype(np.float32) / 32, verbose=0).reshape(30, 4)
    assert logits.dtype == np.int8
    centred = logits - logits.mean()
    assert np.corrcoef(centred.ravel(), wanted.ravel())[0, 1] > 0.95
    # A scale that the converter cannot hit exactly is refused, not used nearly.
    with pytest.raises(QuantisationError, match="power of two"):
        quantise(model, features, 0.1, 3)
