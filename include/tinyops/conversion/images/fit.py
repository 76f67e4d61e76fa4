"""Does a model fit a board: memory, operators, sensor. The linker has the last word."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyops.boards.board import Board
from tinyops.boards.catalogue import load_board
from tinyops.conversion.images.bare import build_bare
from tinyops.conversion.images.memory import Memory, Part, interpreted, linked, planned
from tinyops.conversion.tflite.canonical import rewritten
from tinyops.conversion.tflite.errors import CompilerMissing, ConversionError, DoesNotFit

if TYPE_CHECKING:
    from tinyops.projects import Project

SMALLER = "train a smaller model, or allow more memory where the project limits it"
"""For a model that exceeds flash or RAM; one that a compiler refuses has advice of its own."""


@dataclass(frozen=True)
class Limits:
    """Bytes of flash and RAM that may be used."""

    flash_bytes: int
    ram_bytes: int


@dataclass(frozen=True)
class FitReport:
    """What a model needs and what a board has; sizes in bytes.

    `flash_bytes` and `ram_bytes` are the sums of their parts, each of which says whether it is
    measured or estimated; None, without parts, where `problems` say why nothing could be measured.
    `fix` says what to do about the first problem, `notes` what was rewritten, and what is slow.
    """

    board: str
    runtime: str
    fits: bool
    model_bytes: int
    arena_bytes: int | None
    flash_bytes: int | None
    flash_limit: int
    flash_parts: tuple[Part, ...]
    ram_bytes: int | None
    ram_limit: int
    ram_parts: tuple[Part, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()
    fix: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON content."""
        # Lists, as JSON gives them back.
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }


def fit(
    tflite: bytes,
    board: Board,
    *,
    flash_limit: int | None = None,
    ram_limit: int | None = None,
) -> FitReport:
    """Measure a bare model against a board, and against tighter limits if given.

    Where the model is compiled ahead of time, its image is linked and measured.

    Parameters
    ----------
    tflite
        Any model; what cannot be run on the board is a problem in the report, not an error.

    Raises
    ------
    CompilerMissing
        No cross compiler to link with.
    """
    limits = Limits(
        min(flash_limit or board.flash.app_bytes, board.flash.app_bytes),
        min(ram_limit or board.ram.app_bytes, board.ram.app_bytes),
    )
    links = board.runtime.kind == "aot" and bool(board.targets)
    return _report(tflite, board, limits, _linked_bare if links else _estimated)


def fit_project(tflite: bytes, project: Project, board: Board) -> FitReport:
    """A check before the image is built, with the project's limits and window: links nothing."""
    window_bytes = 2 * project.signal.window * len(project.signal.channels)
    measure = partial(_estimated, window_bytes=window_bytes)
    return _report(tflite, board, limits_of(project, board), measure)


def limits_of(project: Project, board: Board) -> Limits:
    """What board and project both allow."""
    constraint = project.constraints.get(board.name)
    flash, ram = board.flash.app_bytes, board.ram.app_bytes
    if constraint is None:
        return Limits(flash, ram)
    return Limits(min(constraint.flash_bytes, flash), min(constraint.ram_bytes, ram))


def excess(need: Memory, limits: Limits, board: str) -> tuple[str, ...]:
    """A line for flash and for RAM if the need is above the limit: by how much, and how sure."""
    return tuple(
        f"{kind}: {used:,} bytes needed ({_estimated_bytes(parts):,} of them estimated), {limit:,} "
        f"allowed on {board}, {used - limit:,} too many"
        for kind, used, limit, parts in (
            ("flash", need.flash_bytes, limits.flash_bytes, need.flash),
            ("RAM", need.ram_bytes, limits.ram_bytes, need.ram),
        )
        if used > limit
    )


def check_sensor(project: Project, board: Board) -> None:
    """Whether a sensor of the board, or one that can be connected to it, gives the signal.

    Raises
    ------
    DoesNotFit
        No such sensor, too few channels, or too slow; the message names the figures.
    """
    sensor = board.sensor(project.sensor)
    signal = project.signal
    if sensor is None:
        known = ", ".join(each.name for each in board.sensors)
        raise DoesNotFit(
            f"project {project.name}: {board.name} has no sensor {project.sensor!r}",
            f"use one of: {known}; or another of: {_boards_with(project)}",
        )
    if len(signal.channels) > sensor.channels:
        raise DoesNotFit(
            f"project {project.name}: {len(signal.channels)} channels, {sensor.name} of "
            f"{board.name} has {sensor.channels}",
            "take fewer channels or another sensor",
        )
    if signal.rate_hz > sensor.max_rate_hz:
        raise DoesNotFit(
            f"project {project.name}: {signal.rate_hz:g} samples/s, {sensor.name} of {board.name} "
            f"gives at most {sensor.max_rate_hz:g}",
            f"lower signal.rate_hz, or use one of: {_boards_with(project)}",
        )


def _boards_with(project: Project) -> str:
    from tinyops.boards.catalogue import board_names

    able = [
        name
        for name in board_names()
        if (sensor := load_board(name).sensor(project.sensor)) is not None
        and sensor.max_rate_hz >= project.signal.rate_hz
    ]
    return ", ".join(able) or "no board of the catalogue"


def _linked_bare(tflite: bytes, board: Board) -> Memory:
    with tempfile.TemporaryDirectory() as folder:
        try:
            return linked(build_bare(tflite, board, "model", Path(folder)), board)
        except DoesNotFit as error:
            core = f"the vendor's core takes {board.base.flash_bytes:,} bytes of flash besides"
            raise DoesNotFit(f"{error.message}; {core}", error.fix) from None


def _estimated(tflite: bytes, board: Board, window_bytes: int = 0) -> Memory:
    estimate = planned if board.runtime.kind == "aot" else interpreted
    return estimate(tflite, board, window_bytes)


def _estimated_bytes(parts: tuple[Part, ...]) -> int:
    return sum(part.bytes for part in parts if not part.measured)


def _report(
    tflite: bytes, board: Board, limits: Limits, measure: Callable[[bytes, Board], Memory]
) -> FitReport:
    need: Memory | None = None
    fix = ""
    try:
        need = measure(tflite, board)
        notes = need.notes
        problems = excess(need, limits, board.name)
        if problems:
            fix = SMALLER
    except CompilerMissing:
        raise
    except ConversionError as error:
        problems, fix, notes = (error.message,), error.fix, _notes(tflite)
    return FitReport(
        board=board.name,
        runtime=board.runtime.kind,
        fits=not problems,
        model_bytes=len(tflite),
        arena_bytes=need.arena_bytes if need else None,
        flash_bytes=need.flash_bytes if need else None,
        flash_limit=limits.flash_bytes,
        flash_parts=need.flash if need else (),
        ram_bytes=need.ram_bytes if need else None,
        ram_limit=limits.ram_bytes,
        ram_parts=need.ram if need else (),
        problems=problems,
        notes=notes,
        fix=fix,
    )


def _notes(tflite: bytes) -> tuple[str, ...]:
    try:
        return rewritten(tflite).notes
    except ConversionError:
        return ()
