"""Float against int8, real models and converter: what passes, is refused, is mended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from benchmarks import int8_cases as cases
from tinyops.boards.catalogue import load_board
from tinyops.conversion.candidates.prove import prove
from tinyops.conversion.images.bare import build_bare, inputs_for
from tinyops.conversion.tflite.int8 import output_scale, quantise
from tinyops.conversion.tflite.litert import int8_logits
from tinyops.conversion.tflite.reference import Reference
from tinyops.training.evaluate import evaluate
from tinyops.training.fake_quant import fake_quantised
from tinyops.training.fit import fit, float_logits, import_keras
from tinyops.training.fold import operators
from tinyops.training.int8_loss import (
    Decisions,
    Int8Loss,
    PartLoss,
    breaches,
    float_decisions,
    int8_decisions,
    int8_loss,
    severity,
)
from tinyops.training.quantisation import AWARE, POST_TRAINING, quantised
from tinyops.training.recipe import TrainingError
from tinyops.training.verdict import judge
from tinyops.training.windows import WindowSet, spread

pytestmark = pytest.mark.slow

LABELS = cases.project().labels
LIMITS = ("int8_loss", "int8_class_loss", "int8_slice_loss", "tail_loss", "separation_loss")


def silent(_: str) -> None:
    pass


def trained(train: WindowSet) -> Any:
    import_keras()
    return fit(train, None, cases.FRONTEND, 4, cases.RECIPE, silent)


def converted(model: Any, train: WindowSet) -> bytes:
    return quantise(model, spread(train.features, 256), cases.SCALE, 0)


def compared(model: Any, tflite: bytes, windows: WindowSet) -> Int8Loss:
    floating = float_decisions(float_logits(model, windows.inputs(cases.FRONTEND)))
    return int8_loss(windows, floating, int8_decisions(tflite, windows.features), LABELS)


def judged(tflite: bytes, windows: WindowSet, loss: Int8Loss) -> tuple[str, str]:
    classes = int8_decisions(tflite, windows.features).classes
    int8 = evaluate(windows.labels, classes, windows.groups, LABELS)
    verdict = judge(cases.project().objective, int8, loss, None)
    return verdict.status, verdict.reason


def last_layer_scaled(model: Any, factor: float) -> Any:
    twin = cases.copied(model)
    last = twin.layers[-1]
    last.set_weights([factor * weight for weight in last.get_weights()])
    return twin


@pytest.fixture(scope="module")
def easy() -> tuple[Any, WindowSet, WindowSet]:
    """A model that is nearly always right, its training windows and others."""
    train, test = cases.windows(800, 1, noise=1.8), cases.windows(800, 2, noise=1.8)
    return trained(train), train, test


def test_a_flat_tail_is_refused_although_accuracy_is_kept(
    easy: tuple[Any, WindowSet, WindowSet],
) -> None:
    model, train, test = easy
    good = converted(model, train)
    loss = compared(model, good, test)
    assert judged(good, test, loss) == ("first", "")
    assert loss.tail is not None
    assert loss.tail.order < 0.5
    # Logits of fifty times the size: the same classes, but every confidence is 1.
    flat = converted(last_layer_scaled(model, 50), train)
    loss = compared(model, flat, test)
    assert abs(loss.accuracy) <= 0.01
    assert abs(loss.macro_f1) <= 0.01
    assert loss.tail is not None
    assert loss.tail.order > 0.9
    status, reason = judged(flat, test, loss)
    assert status == "worse"
    assert "flattens the tail" in reason
    assert f"{loss.tail.order:.3f}" in reason
    assert "objective.tail_loss" in reason
    assert ";" not in reason, "nothing else is wrong with it"
    forgiving = cases.project(tail_loss=1.0).objective
    assert breaches(forgiving, loss) == []


def test_an_outlier_channel_is_evened_out(easy: tuple[Any, WindowSet, WindowSet]) -> None:
    model, train, test = easy
    hard = cases.with_outlier_channel(model)
    inputs = test.inputs(cases.FRONTEND)
    assert np.abs(float_logits(hard, inputs) - float_logits(model, inputs)).max() < 1e-3
    lost = compared(hard, converted(hard, train), test)
    assert breaches(cases.project().objective, lost)
    sample = train.inputs(cases.FRONTEND)[::4]
    rounded = fake_quantised(hard, sample, -128 * cases.SCALE, 127 * cases.SCALE)
    mended = compared(hard, converted(rounded, train), test)
    assert breaches(cases.project().objective, mended) == []


@pytest.mark.parametrize("gamma", [1.0, 1e-3, 1e-7])
def test_a_channel_that_batch_norm_has_scaled_down_is_not_blown_up(gamma: float) -> None:
    """Its weights are near 0, its bias is 1: the next layer needs it as it is."""
    layers = keras.layers
    import_keras().utils.set_random_seed(1)
    inputs = keras.Input((32, 4, 1))
    x = layers.Conv2D(8, (5, 1), padding="same", use_bias=False)(inputs)
    norm = layers.BatchNormalization()
    x = layers.ReLU()(norm(x))
    x = layers.Conv2D(8, 3, padding="same", use_bias=False)(x)
    x = layers.DepthwiseConv2D((32, 4), use_bias=False)(layers.ReLU()(x))
    model = keras.Model(inputs, layers.Conv2D(4, 1)(layers.ReLU()(x)))
    weights = norm.get_weights()
    weights[0][3], weights[1][3] = gamma, 1.0
    norm.set_weights(weights)
    features = np.random.default_rng(0).integers(-128, 128, (256, 32, 4, 1)).astype(np.int8)
    real = features / np.float32(64)
    said = float_decisions(float_logits(model, real)).classes
    rounded = fake_quantised(model, real, -2.0, 127 / 64)
    kept = int8_decisions(quantise(rounded, features, 1 / 64, 0), features).classes == said
    assert kept.mean() > 0.95


def anomaly_score() -> Any:
    """The mean absolute value of a window: untrained, as any score it is a Keras model."""
    inputs = keras.Input((cases.WINDOW, 1, 1))
    both = keras.layers.Conv2D(2, 1, activation="relu", use_bias=False)
    mean = keras.layers.DepthwiseConv2D((cases.WINDOW, 1), use_bias=False)
    total = keras.layers.Conv2D(1, 1, use_bias=False)
    model = keras.Model(inputs, total(mean(both(inputs))))
    both.set_weights([np.array([1.0, -1.0], np.float32).reshape(1, 1, 1, 2)])
    mean.set_weights([np.full((cases.WINDOW, 1, 2, 1), 1 / cases.WINDOW, np.float32)])
    total.set_weights([np.ones((1, 1, 2, 1), np.float32)])
    return model


@pytest.mark.parametrize(("calibrated_on", "refused"), [("normal windows", True), ("all", False)])
def test_an_anomaly_score_that_saturates_is_refused(calibrated_on: str, refused: bool) -> None:
    """The range of an output seen on normal windows alone ends where anomalies begin."""
    import_keras()
    test = cases.windows(800, 3, noise=3.0)
    rng = np.random.default_rng(4)
    faulty = np.arange(800) >= 700
    louder = test.features * np.where(faulty, rng.uniform(2, 6, 800), 1.0)[:, None, None, None]
    features = np.clip(louder, -128, 127).astype(np.int8)
    test = replace(test, features=features, labels=faulty.astype(np.int64))
    model = anomaly_score()
    sample = features[:700] if calibrated_on == "normal windows" else features
    tflite = quantise(model, spread(sample, 256), cases.SCALE, 0)
    floating = float_logits(model, test.inputs(cases.FRONTEND))[:, 0]
    int8 = (int8_logits(tflite, features)[:, 0].astype(float) + 128) * output_scale(tflite)
    threshold = np.quantile(floating[:700], 0.98)
    loss = int8_loss(
        test,
        Decisions((floating > threshold).astype(np.int64), floating, step=0.0),
        Decisions((int8 > threshold).astype(np.int64), int8, step=0.0),
        ["normal", "faulty"],
        events=faulty,
    )
    assert abs(loss.accuracy) <= 0.01
    reasons = breaches(cases.project(int8_loss=0.02).objective, loss)
    assert [reason.partition(":")[0] for reason in reasons] == (
        ["int8 flattens the tail"] if refused else []
    )


def require_proven(tflite: bytes, folder: Path) -> None:
    """Compiled for a Cortex-M4, the model gives the bytes of the reference."""
    built = build_bare(tflite, load_board("nano33ble-sense"), "aware", folder)
    inputs = inputs_for(Reference(built.canonical).input_shape[1:], 4, seed=3)
    assert prove(built.image, built.canonical, inputs).mismatches == 0


def test_quantisation_aware_training_mends_what_post_training_loses(tmp_path: Path) -> None:
    train, validation = cases.windows(800, 1, knocks=0.03), cases.windows(800, 2)
    model = cases.with_outlier_channel(trained(train))
    before = model.get_weights()
    given = (model, train, validation, cases.FRONTEND)
    objective = cases.project().objective
    made = quantised(*given, cases.project(), cases.RECIPE, silent)
    lost, mended = made.tried[POST_TRAINING], made.tried[AWARE]
    assert lost.macro_f1 > objective.int8_loss
    assert len(breaches(objective, lost)) > 1
    assert breaches(objective, mended) == []
    assert severity(objective, mended) < 0.7 * severity(objective, lost)
    assert made.method == AWARE
    assert "objective.int8_loss" in made.why
    assert compared(model, made.tflite, validation) == mended
    assert all(map(np.array_equal, before, model.get_weights())), "the float model stays"
    require_proven(made.tflite, tmp_path)
    written = made.to_dict()
    assert written["validation"][AWARE]["tail"]["order"] == mended.tail.order  # type: ignore[union-attr]
    # Not allowed to train, or content with the loss, it leaves it at the first.
    for allowed, recipe in (
        (cases.project(), replace(cases.RECIPE, qat_epochs=0)),
        (cases.project(**dict.fromkeys(LIMITS, 1.0)), cases.RECIPE),
    ):
        left = quantised(*given, allowed, recipe, silent)
        assert (left.method, list(left.tried)) == (POST_TRAINING, [POST_TRAINING])
        assert left.tried[POST_TRAINING] == lost


def test_layers_are_folded_without_a_change_of_function() -> None:
    import_keras().utils.set_random_seed(3)
    layers = keras.layers
    inputs = keras.Input((16, 4, 3))
    x = layers.Conv2D(8, 3, padding="same", use_bias=False)(inputs)
    x = layers.Dropout(0.5)(x)
    x = left = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=1)(x)
    x = layers.BatchNormalization(scale=False)(x)
    x = layers.Activation("relu")(layers.Add()([x, left]))
    x = layers.AveragePooling2D(2)(layers.MaxPooling2D((2, 1))(x))
    x = layers.Dense(12, activation="relu")(layers.Flatten()(x))
    model = keras.Model(inputs, layers.Dense(4)(x))
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if "normalization" in weight.path:
            weight.assign(rng.uniform(0.5, 2.0, weight.shape))
    sample = rng.integers(-40, 40, (64, 16, 4, 3)).astype(np.int8)
    rounded = fake_quantised(model, sample / np.float32(32), -4.0, 127 / 32)
    found = [node.name for node in operators(model) if node.rounded]
    assert len(found) == 4 + 1, "two fused with their ReLU, depthwise, add with its ReLU, two dense"
    wanted = model.predict(sample / np.float32(32), verbose=0)
    close = rounded.predict(sample / np.float32(32), verbose=0)
    assert np.abs(close - wanted).mean() < 0.05 * wanted.std()
    tflite = quantise(rounded, sample, 1 / 32, 0)
    said = float_decisions(wanted).classes
    assert np.mean(int8_decisions(tflite, sample).classes == said) > 0.9


def test_a_layer_that_cannot_be_trained_is_named() -> None:
    inputs = keras.Input((8, 1, 2))
    for layer, what in (
        (keras.layers.Conv2D(4, 1, activation="tanh", name="odd"), "layer odd: activation tanh"),
        (keras.layers.LayerNormalization(name="odd"), "layer odd: LayerNormalization is unknown"),
        (keras.layers.BatchNormalization(name="odd"), "layer odd: a batch norm that is not right"),
    ):
        with pytest.raises(TrainingError, match=what):
            operators(keras.Model(inputs, layer(inputs)))
    twice = keras.layers.Conv2D(2, 1, name="odd")
    with pytest.raises(TrainingError, match="layer odd is used twice"):
        operators(keras.Model(inputs, twice(twice(inputs))))


def loss_of(**changed: Any) -> Int8Loss:
    part = PartLoss("a", 100, 90, 2, 2)
    whole = Int8Loss(100, 0.0, 0.0, (part,), {"a": 0.0}, (part,), None)
    return replace(whole, **changed)


def test_every_limit_names_its_figures_and_key() -> None:
    objective = cases.project().objective
    assert breaches(objective, loss_of()) == []
    [reason] = breaches(objective, loss_of(macro_f1=0.02))
    assert "0.020 macro_f1" in reason
    assert "objective.int8_loss" in reason
    bad = PartLoss("ball", 100, 90, 12, 1)
    [reason] = breaches(objective, loss_of(classes=(PartLoss("a", 9, 9, 1, 0), bad)))
    assert "0.110 of class ball (12 of the 90" in reason, "of nine windows one may be chance"
    assert "objective.int8_class_loss" in reason
    [reason] = breaches(objective, loss_of(slices=(replace(bad, name="machine_id=m3"),)))
    assert "slice machine_id=m3" in reason
    assert "objective.int8_slice_loss" in reason


@pytest.mark.parametrize(
    ("lost", "gained", "exceeds"), [(4, 0, False), (5, 0, True), (9, 4, False), (14, 3, True)]
)
def test_a_few_windows_may_be_chance(lost: int, gained: int, exceeds: bool) -> None:
    from scipy.stats import binomtest

    part = PartLoss("a", 40, 40, lost, gained)
    wanted = binomtest(lost, lost + gained, alternative="greater").pvalue
    assert part.chance == pytest.approx(wanted)
    assert part.exceeds(0.05) is exceeds
