"""How a model becomes int8: post-training, or trained for it where that loses too much.

Everything is decided on the validation part. The test part is seen once, by the verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tinyops.conversion.tflite.int8 import quantise
from tinyops.frontend import Frontend
from tinyops.projects import Project
from tinyops.training.fit import logits_of
from tinyops.training.int8_loss import (
    Int8Loss,
    breaches,
    float_decisions,
    int8_decisions,
    int8_loss,
    severity,
)
from tinyops.training.quantisation_aware import quantisation_aware
from tinyops.training.recipe import Recipe, TrainingError
from tinyops.training.windows import WindowSet, spread

POST_TRAINING = "post-training"
AWARE = "quantisation-aware training"
_REPRESENTATIVE = 256


@dataclass(frozen=True, eq=False)
class Quantised:
    """An int8 model and how it came to be.

    Parameters
    ----------
    method
        POST_TRAINING or AWARE.
    why
        One sentence.
    tried
        Loss of each method that was tried, on the validation part.
    """

    tflite: bytes
    method: str
    why: str
    tried: dict[str, Int8Loss]

    def to_dict(self) -> dict[str, Any]:
        """JSON content."""
        tried = {method: loss.to_dict() for method, loss in self.tried.items()}
        return {"method": self.method, "why": self.why, "validation": tried}


def quantised(
    model: Any,
    train: WindowSet,
    validation: WindowSet,
    frontend: Frontend,
    project: Project,
    recipe: Recipe,
    say: Callable[[str], None] = print,
) -> Quantised:
    """The int8 model with the lesser loss, by `severity`; post-training alone where it will do."""
    objective = project.objective
    floating = float_decisions(logits_of(model, validation, frontend))
    representative = spread(train.features, _REPRESENTATIVE)

    def converted(source: Any) -> tuple[bytes, Int8Loss]:
        tflite = quantise(source, representative, frontend.input_scale, frontend.input_zero_point)
        int8 = int8_decisions(tflite, validation.features)
        return tflite, int8_loss(validation, floating, int8, project.labels)

    first, loss = converted(model)
    tried = {POST_TRAINING: loss}
    reasons = breaches(objective, loss)
    if not reasons:
        why = "on the validation part nothing is lost beyond what the objective allows"
        return Quantised(first, POST_TRAINING, why, tried)
    say(f"{POST_TRAINING}, validation part: {'; '.join(reasons)}")
    if recipe.qat_epochs == 0:
        why = f"{'; '.join(reasons)}; training.qat_epochs is 0"
        return Quantised(first, POST_TRAINING, why, tried)
    try:
        aware = quantisation_aware(model, train, frontend, recipe, say)
    except TrainingError as error:
        say(str(error))
        return Quantised(first, POST_TRAINING, f"{'; '.join(reasons)}; {error}", tried)
    second, loss = converted(aware)
    tried[AWARE] = loss
    before, after = (severity(objective, each) for each in tried.values())
    better = after < before
    why = (
        f"{POST_TRAINING}: {'; '.join(reasons)}. The worst loss is {before:.2f} times the allowed "
        f"one, after {AWARE} {after:.2f} times"
    )
    say(f"{AWARE if better else POST_TRAINING} is taken. {why}")
    return Quantised(*((second, AWARE) if better else (first, POST_TRAINING)), why, tried)
