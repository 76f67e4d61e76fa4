"""The last SOFTMAX goes: a device works on logits, and whoever reads them knows their scale."""

from __future__ import annotations

from typing import Any

from tinyops.conversion.tflite.flatbuffer import operator_name


def strip_softmax(model: Any) -> None:
    """Make the input of a SOFTMAX at the end the model's output."""
    graph = model.subgraphs[0]
    last = graph.operators[-1]
    if operator_name(model, last) == "SOFTMAX" and len(graph.operators) > 1:
        graph.operators.pop()
        graph.outputs = [last.inputs[0]]
