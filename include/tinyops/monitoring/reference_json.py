"""Arrays of a reference as compact JSON: six digits, and of symmetric matrices one half."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from tinyops.monitoring.components import SIZE, Floats
from tinyops.monitoring.expectation import Expectation

_HALF = np.triu_indices(SIZE)


def write_content(content: dict[str, Any]) -> str:
    """JSON text; arrays of floats become lists of numbers with six digits."""
    return json.dumps(content, default=_rounded, separators=(",", ":"))


def read_content(text: str | bytes) -> dict[str, Any]:
    """The content of JSON text; ValueError when it is not an object."""
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("not an object")
    return content


def encode_expectation(expectation: Expectation) -> dict[str, Any]:
    """JSON content."""
    return {
        "windows": expectation.windows,
        "means": expectation.means,
        "within": expectation.within[..., _HALF[0], _HALF[1]],
        "errors": expectation.errors[..., _HALF[0], _HALF[1]],
    }


def decode_expectation(content: dict[str, Any]) -> Expectation:
    """The expectation that `encode_expectation` wrote."""
    return Expectation(
        means=np.array(content["means"], np.float64),
        within=_full(content["within"]),
        errors=_full(content["errors"]),
        windows=int(content["windows"]),
    )


def _rounded(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{type(value).__name__} in a reference")
    flat = [float(f"{each:.6g}") for each in value.ravel()]
    return _nested(flat, value.shape)


def _nested(flat: list[float], shape: tuple[int, ...]) -> list[Any]:
    rows: list[Any] = flat
    for size in reversed(shape[1:]):
        rows = [rows[at : at + size] for at in range(0, len(rows), size)]
    return rows


def _full(content: Any) -> Floats:
    half = np.array(content, np.float64)
    found = np.zeros((*half.shape[:-1], SIZE, SIZE))
    found[..., _HALF[0], _HALF[1]] = half
    found[..., _HALF[1], _HALF[0]] = half
    return found
