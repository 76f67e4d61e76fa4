"""Views of a reference as compact JSON: six digits, and of symmetric matrices one half."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from tinyops.sketches.components import Components, Floats
from tinyops.sketches.expectation import Expectation
from tinyops.sketches.null import Threshold
from tinyops.sketches.view import View


def write_content(content: dict[str, Any]) -> str:
    """JSON text; arrays of floats become lists of numbers with six digits."""
    return json.dumps(content, default=_rounded, separators=(",", ":"))


def read_content(text: str | bytes) -> dict[str, Any]:
    """The content of JSON text; ValueError when it is not an object."""
    try:
        content = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(content, dict):
        raise ValueError("not an object")
    return content


def encode_view(view: View) -> dict[str, Any]:
    """JSON content."""
    expectation, upper = view.expectation, np.triu_indices(view.expectation.size)
    return {
        "features": list(view.features),
        "conditions": list(view.conditions),
        "probabilities": view.components.probabilities,
        "windows": expectation.windows,
        "means": expectation.means,
        "within": expectation.within[..., upper[0], upper[1]],
        "errors": expectation.errors[..., upper[0], upper[1]],
        "mixing": expectation.mixing[..., upper[0], upper[1]],
        "within_freedom": expectation.within_freedom,
        "errors_freedom": expectation.errors_freedom,
        "threshold": {
            "levels": [list(level) for level in view.threshold.levels],
            "worst": view.threshold.worst,
            "draws": view.threshold.draws,
        },
    }


def decode_view(content: dict[str, Any]) -> View:
    """The view that `encode_view` wrote; ValueError, KeyError or TypeError when it wrote none."""
    features, means = tuple(content["features"]), np.array(content["means"], np.float64)
    bounds = content["threshold"]
    return View(
        features=features,
        conditions=tuple(content["conditions"]),
        components=Components(len(features), np.array(content["probabilities"], np.float64)),
        expectation=Expectation(
            means=means,
            within=_full(content["within"], means.shape[-1]),
            errors=_full(content["errors"], means.shape[-1]),
            mixing=_full(content["mixing"], means.shape[-1]),
            within_freedom=np.array(content["within_freedom"], np.float64),
            errors_freedom=np.array(content["errors_freedom"], np.float64),
            windows=int(content["windows"]),
        ),
        threshold=Threshold(
            levels=tuple((rate, bound) for rate, bound in bounds["levels"]),
            worst=bounds["worst"],
            draws=bounds["draws"],
        ),
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


def _full(content: Any, size: int) -> Floats:
    half, upper = np.array(content, np.float64), np.triu_indices(size)
    found = np.zeros((*half.shape[:-1], size, size))
    found[..., upper[0], upper[1]] = half
    found[..., upper[1], upper[0]] = half
    return found
