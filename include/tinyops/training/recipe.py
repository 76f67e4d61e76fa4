"""How one training run is done: the section `training` of project.yaml with its options checked."""

from __future__ import annotations

from dataclasses import dataclass, fields

from tinyops.errors import TinyOpsError
from tinyops.projects.schema import Training


class TrainingError(TinyOpsError):
    """A model cannot be built, trained or evaluated."""


@dataclass(frozen=True)
class Recipe:
    """A training run's settings.

    Parameters
    ----------
    qat_epochs
        Of quantisation-aware training, where it is needed.
    overlap
        Training windows start every hop / overlap samples; evaluation always uses the hop.
    width
        Filters of the first block.
    blocks
        Blocks that each halve the map's height.
    kernel
        Height of the convolutions.
    label_smoothing, dropout, noise, warp, shuffle, mix, rotate, scale, mirror
        Regularisation; `warp` is the largest relative stretch along the map's height, `noise` a
        standard deviation in units of the model's input, `shuffle` exchanges a spectrum's carriers,
        `mix` is the chance of adding the carriers of a window of the first (healthy) class,
        `rotate` (degrees) and `scale` act on triples of axes, `mirror` is the chance of reflecting
        the first axis of each triple.
    """

    model: str = "ds_cnn"
    epochs: int = 30
    batch_size: int = 64
    learning_rate: float = 1e-3
    qat_epochs: int = 4
    seed: int = 7
    overlap: int = 1
    width: int = 32
    blocks: int = 3
    kernel: int = 5
    label_smoothing: float = 0.0
    weight_decay: float = 1e-3
    dropout: float = 0.3
    noise: float = 0.0
    warp: float = 0.0
    shuffle: bool = False
    mix: float = 0.0
    rotate: float = 0.0
    scale: float = 0.0
    mirror: float = 0.0


def recipe_of(training: Training) -> Recipe:
    """The recipe that project.yaml describes.

    Raises
    ------
    TrainingError
        An option is unknown or of another type; names it.
    """
    known = {field.name: type(field.default) for field in fields(Recipe)}
    own = set(Training.model_fields) - {"options"}
    values: dict[str, object] = {name: getattr(training, name) for name in own}
    for name, value in training.options.items():
        if name not in known or name in own:
            raise TrainingError(
                f"training.options.{name} is unknown",
                f"use one of: {', '.join(sorted(set(known) - own))}",
            )
        kind = known[name]
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind):
            raise TrainingError(
                f"training.options.{name}: {value!r} is no {kind.__name__}", "correct it"
            )
        values[name] = value
    return Recipe(**values)  # type: ignore[arg-type]
