"""Prove a model that comes without a project: identity frontend, random and extreme inputs."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyops.boards.board import Board
from tinyops.conversion.images.aot import AotModel, compile_model
from tinyops.conversion.images.build_request import BuildRequest
from tinyops.conversion.images.image import BuiltImage, build_image
from tinyops.conversion.images.profile import Profile, profile
from tinyops.conversion.images.tune import Search, tune
from tinyops.conversion.images.tuning import DEFAULT, Tuning
from tinyops.conversion.tflite.canonical import rewritten
from tinyops.conversion.tflite.errors import ConversionError
from tinyops.conversion.tflite.reference import Reference
from tinyops.frontend import Frontend, FrontendSpec
from tinyops.names import as_name

_GOLDEN = 4


def inputs_for(shape: tuple[int, ...], samples: int, seed: int) -> NDArray[np.int8]:
    """int8 [samples, *shape]: the lowest, highest and middle value first, then random ones."""
    generator = np.random.default_rng(seed)
    inputs = generator.integers(-128, 128, (samples, *shape), dtype=np.int64).astype(np.int8)
    for row, value in zip(range(samples), (-128, 127, 0), strict=False):
        inputs[row] = value
    return inputs


def search_bare(
    tflite: bytes, board: Board, folder: Path, progress: Callable[[int], object] | None = None
) -> Search:
    """The fastest way to compile a model, by counting; errors as in `tune`."""
    return tune(_compiled(tflite, board, folder), board, folder, progress)


def profile_bare(tflite: bytes, board: Board, folder: Path, tuning: Tuning = DEFAULT) -> Profile:
    """Instructions of each layer; errors as in `profile`."""
    return profile(_compiled(tflite, board, folder), board, folder, tuning)


def _compiled(tflite: bytes, board: Board, folder: Path) -> AotModel:
    if board.runtime.kind != "aot" or not board.targets:
        raise ConversionError(
            f"nothing can be counted for {board.name}: its models are not compiled for an emulator",
            "name a board with runtime aot (see `tinyops boards`)",
        )
    form = rewritten(tflite)
    with form.naming():
        return compile_model(form.tflite, folder / "model")


def build_bare(
    tflite: bytes, board: Board, name: str, folder: Path, tuning: Tuning = DEFAULT
) -> BuiltImage:
    """An image of a bare model for the board's first target; errors as in `build_image`."""
    if not board.targets:
        raise ConversionError(
            f"no image can be built for {board.name}: it has no target",
            "only `tinyops fit` works for it",
        )
    form = rewritten(tflite)
    with form.naming():
        shape = Reference(form.tflite).input_shape[1:]
    frontend = Frontend(FrontendSpec.identity(shape))
    golden = inputs_for((math.prod(shape), 1), _GOLDEN, seed=1).astype(np.int16)
    request = BuildRequest(
        tflite=tflite,
        board=board,
        target=board.targets[0],
        frontend=frontend,
        golden=golden,
        project=as_name(name, 31) or "model",
        version="bare",
        sampling=False,
        tuning=tuning,
    )
    return build_image(request, folder)
