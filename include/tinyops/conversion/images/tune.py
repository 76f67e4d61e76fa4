"""The fastest way to compile a model, by counting: level of optimisation and kernel of each step.

Four builds are counted step by step: each level with shared kernels and with a kernel for each
step. Per level the better kernel of each step is taken and the mixture counted in turn; the build
with the fewest instructions wins, with equal counts the smaller one. All of it repeats exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinyops.boards.board import Board
from tinyops.conversion.images.aot import AotModel
from tinyops.conversion.images.profile import Profile, compile_support, profile
from tinyops.conversion.images.tuning import LEVELS, Tuning
from tinyops.conversion.tflite.errors import DoesNotFit, ProofFailed

ATTEMPTS = 3 * len(LEVELS)


@dataclass(frozen=True)
class Search:
    """What was counted; `best` is one of `tried`."""

    best: Profile
    tried: tuple[Profile, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON content."""
        return {"best": self.best.to_dict(), "tried": [each.to_dict() for each in self.tried]}


def tune(
    model: AotModel,
    board: Board,
    folder: Path,
    progress: Callable[[int], object] | None = None,
) -> Search:
    """Search in `folder`.

    Raises
    ------
    DoesNotFit
        No build fits the board.
    ProofFailed
        Two builds give different outputs, or one does not run.
    """
    tried: list[Profile] = []
    attempts = 0
    refused: DoesNotFit | None = None
    support = compile_support(model, board, folder / "support")

    def count(tuning: Tuning) -> Profile | None:
        nonlocal attempts, refused
        attempts += 1
        found = None
        try:
            build = folder / f"build{attempts}"
            found = profile(model, board, build, tuning, support=support)
            tried.append(found)
        except DoesNotFit as error:
            refused = error
        if progress:
            progress(attempts)
        return found

    for level in LEVELS:
        shared = count(Tuning(level))
        own = count(Tuning(level, tuple(range(len(model.steps)))))
        if shared and own:
            pairs = enumerate(zip(shared.instructions, own.instructions, strict=True))
            count(Tuning(level, tuple(step for step, (all_, one) in pairs if one < all_)))
    if not tried:
        raise refused or DoesNotFit(f"no build of the model fits {board.name}")
    if len({each.output_hash for each in tried}) != 1:
        raise ProofFailed("the model's output depends on how it is compiled", "report the model")
    best = min(tried, key=lambda each: (each.total, each.model_bytes))
    return Search(best, tuple(tried))
