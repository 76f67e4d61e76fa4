"""What a frontend is: plain values that travel with a candidate and rebuild the same code."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tinyops.errors import TinyOpsError

KINDS = ("identity", "samples", "spectrum")


class FrontendError(TinyOpsError):
    """A frontend cannot be described, built or run."""


@dataclass(frozen=True)
class FrontendSpec:
    """A frontend in numbers.

    Parameters
    ----------
    kind
        `identity`, `samples` or `spectrum`.
    window, hop, channels
        Raw samples per channel and window, from one window to the next, and channels.
    output_shape
        Shape of one feature map, [H, W, C].
    input_scale, input_zero_point
        The fixed quantisation of the int8 output: real = scale * (int8 - zero_point).
    parameters
        What the kind needs besides; numbers or lists of numbers.
    """

    kind: str
    window: int
    hop: int
    channels: int
    output_shape: tuple[int, ...]
    input_scale: float
    input_zero_point: int
    parameters: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise FrontendError(
                f"frontend kind {self.kind!r} is unknown", f"use one of: {', '.join(KINDS)}"
            )
        if min(self.window, self.hop, self.channels, *self.output_shape) < 1:
            raise FrontendError(f"frontend {self.kind}: a size below 1", "correct the spec")

    @classmethod
    def identity(
        cls, shape: tuple[int, ...], scale: float = 1.0, zero_point: int = 0
    ) -> FrontendSpec:
        """Counts are the model's input already: one channel of prod(shape) values, saturated."""
        size = math.prod(shape)
        return cls("identity", size, size, 1, tuple(shape), scale, zero_point)

    @property
    def output_size(self) -> int:
        """Values in one feature map."""
        return math.prod(self.output_shape)

    def to_dict(self) -> dict[str, Any]:
        """JSON content; `from_dict` reads it back."""
        return asdict(self) | {"output_shape": list(self.output_shape)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> FrontendSpec:
        """The spec that `to_dict` wrote."""
        return cls(**{**content, "output_shape": tuple(content["output_shape"])})
