"""What goes into an image, and what of it a device could not serve."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinyops.boards.board import Board
from tinyops.boards.messages import MAX_CLASSES
from tinyops.conversion.images.aot import AotModel
from tinyops.conversion.images.tuning import DEFAULT, Tuning
from tinyops.conversion.tflite.canonical import Canonical, rewritten
from tinyops.conversion.tflite.errors import ConversionError, DoesNotFit
from tinyops.conversion.tflite.flatbuffer import parse, reader_of, tensor_name
from tinyops.conversion.tflite.tflm import TflmModel
from tinyops.sketches.sketch import SketchSpec

if TYPE_CHECKING:
    from tinyops.frontend import Frontend

Model = AotModel | TflmModel
_GOLDEN_BYTES = 65536
_MAX_GOLDEN = 16
GOLDEN_SEQUENCE = 3
"""Windows that the self-test runs in a row, at least."""


@dataclass(frozen=True)
class BuildRequest:
    """What goes into an image.

    Parameters
    ----------
    tflite
        The int8 model as it was trained; it is made canonical here.
    golden
        Raw windows int16 [n, W, C]. As many are taken as fit into the image; the self-test runs
        them as one sequence.
    sampling
        Whether the device takes windows from its own sensor.
    temperature, class_offset
        See ParameterBlock.
    sketch
        What the device counts of its windows; without one that part of the firmware is left out.
    tuning
        How the model is compiled, where it is compiled.
    """

    tflite: bytes
    board: Board
    target: str
    frontend: Frontend
    golden: NDArray[np.int16]
    project: str
    version: str
    reference_tag: str = ""
    sampling: bool = True
    temperature: float = 1.0
    class_offset: tuple[int, ...] = ()
    sketch: SketchSpec | None = None
    tuning: Tuning = DEFAULT

    @cached_property
    def rewritten(self) -> Canonical:
        """The model in canonical form, with notes on what was rewritten."""
        return rewritten(self.tflite)

    @property
    def canonical(self) -> bytes:
        """The model in the form that is compiled and that the reference runs."""
        return self.rewritten.tflite


def require_servable(request: BuildRequest, model: Model) -> None:
    """ConversionError when frontend, sketch, flash or counters cannot serve the model."""
    spec = request.frontend.spec
    if spec.output_size != model.input_bytes:
        raise ConversionError(
            f"the frontend gives {spec.output_size} values, the model takes {model.input_bytes}",
            "train the model on this frontend",
        )
    if request.sketch is not None and request.sketch.size != model.input_bytes:
        raise ConversionError(
            f"the sketch is of {request.sketch.size} values, the model takes {model.input_bytes}",
            "build it from this model's features",
        )
    _require_weights_fit(request)
    if request.sampling and model.outputs > MAX_CLASSES:
        raise ConversionError(
            f"{model.outputs} classes, a device counts {MAX_CLASSES}", "use fewer classes"
        )


def _require_weights_fit(request: BuildRequest) -> None:
    # Known before the compiler sees megabytes of constants; the linker counts all the rest.
    model, flash = parse(request.canonical), request.board.flash.app_bytes
    graph = model.subgraphs[0]
    data = [model.buffers[tensor.buffer].data for tensor in graph.tensors]
    sizes = [0 if content is None else len(content) for content in data]
    if sum(sizes) > flash:
        largest = max(range(len(sizes)), key=sizes.__getitem__)
        reader = reader_of(model, largest)
        of = tensor_name(graph.tensors[largest])
        where = f"{of} of {request.rewritten.operators[reader]}" if reader is not None else of
        raise DoesNotFit(
            f"the weights take {sum(sizes):,} bytes of flash, {request.board.name} has {flash:,}; "
            f"the largest, {sizes[largest]:,} bytes, is {where}",
            "make that layer smaller, or use a board with more flash",
        )


def golden_of(request: BuildRequest) -> NDArray[np.int16]:
    """As many of the request's golden windows as fit; ConversionError when there are none."""
    if not len(request.golden):
        raise ConversionError("no golden windows", "give at least one window of test data")
    fit = min(_GOLDEN_BYTES // max(request.golden[0].nbytes, 1), _MAX_GOLDEN)
    return request.golden[: max(fit, 1)]
