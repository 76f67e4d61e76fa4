"""From a canonical .tflite to bakenn's plan of steps: the passes of `bakenn.compile`, and padding.

SAME with an odd total pads one more at the end, as each stride of 2 on an even size does. bakenn
1.0 then gives a convolution to portable C ("requires symmetric spatial padding"). But the kernels,
CMSIS-NN's too, take only the padding before the first row and column: what lies behind the last one
they see from the input's size, which is how TensorFlow Lite Micro calls them. So the plan names the
leading padding for both sides. An explicit PAD in the model does the same, more slowly and with a
second copy of the layer in RAM (docs/on-the-chip.md).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tinyops.conversion.images.arena import pack

if TYPE_CHECKING:
    from bakenn.plan import ExecutionPlan

_CONVOLUTIONS = ("conv2d_s8", "depthwise_conv2d_s8")


def lower(tflite: bytes, name: str) -> ExecutionPlan:
    """The plan; bakenn.BakeNNError where the model is refused."""
    from bakenn.frontends.tflite import import_tflite
    from bakenn.passes import deduplicate_constants, fuse_clamps, legalize_graph
    from bakenn.plan import lower_to_plan

    graph = legalize_graph(import_tflite(tflite, name=name))
    plan = pack(lower_to_plan(deduplicate_constants(fuse_clamps(graph))))
    return replace(plan, steps=tuple(_leading_padding(step) for step in plan.steps))


def _leading_padding(step: Any) -> Any:
    # Not pools: some of their kernels look at nothing but the padding to leave out their checks.
    if step.kernel_kind not in _CONVOLUTIONS:
        return step
    top, _, left, _ = step.padding
    return replace(step, padding=(top, top, left, left))
