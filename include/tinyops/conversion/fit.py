"""Does a model fit a board: memory, operators, sensor. The linker has the last word."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyops.boards.catalogue import Board, load_board
from tinyops.conversion.aot import compile_model
from tinyops.conversion.canonical import canonical
from tinyops.conversion.errors import ConversionError, DoesNotFit
from tinyops.conversion.tflm_memory import measure

if TYPE_CHECKING:
    from tinyops.projects import Project

MEASURED_BY_COMPILER = "memory plan of the ahead-of-time compiler"
MEASURED_ON_HOST = "TensorFlow Lite Micro on this 64-bit host, an upper bound"


@dataclass(frozen=True)
class FitReport:
    """What a model needs and what a board has; sizes in bytes.

    `flash_bytes` and `ram_bytes` add the catalogue's allowance for runtime and firmware to what
    the model needs; None where `problems` say why nothing could be measured.
    """

    board: str
    runtime: str
    fits: bool
    model_bytes: int
    arena_bytes: int | None
    arena_source: str
    flash_bytes: int | None
    flash_limit: int
    ram_bytes: int | None
    ram_limit: int
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON content."""
        return asdict(self) | {"problems": list(self.problems), "notes": list(self.notes)}


@dataclass(frozen=True)
class _Need:
    model: int
    arena: int
    features: int
    source: str
    notes: tuple[str, ...] = ()


def fit(
    tflite: bytes,
    board: Board,
    *,
    flash_limit: int | None = None,
    ram_limit: int | None = None,
    window_bytes: int = 0,
) -> FitReport:
    """Measure a model against a board, and against a project's tighter limits if given.

    Parameters
    ----------
    tflite
        Any model; what cannot be run on the board is a problem in the report, not an error.
    window_bytes
        One window of raw samples, for a device that samples by itself.
    """
    limits = (
        min(flash_limit or board.flash.app_bytes, board.flash.app_bytes),
        min(ram_limit or board.ram.app_bytes, board.ram.app_bytes),
    )
    need: _Need | None = None
    problems: list[str] = []
    try:
        need = _need_aot(tflite) if board.runtime.kind == "aot" else _need_tflm(tflite)
    except ConversionError as error:
        problems.append(error.message)
    flash = ram = None
    if need is not None:
        flash = need.model + board.runtime.flash_bytes
        # The model's input, the window that is being sampled, and what the link fills.
        buffers = need.features + window_bytes + max(need.features, window_bytes)
        ram = need.arena + buffers + board.runtime.ram_bytes
        for kind, used, limit in (("flash", flash, limits[0]), ("RAM", ram, limits[1])):
            if used > limit:
                problems.append(
                    f"{kind}: {used:,} bytes needed, {limit:,} allowed on {board.name}, "
                    f"{used - limit:,} too many"
                )
    return FitReport(
        board=board.name,
        runtime=board.runtime.kind,
        fits=not problems,
        model_bytes=len(tflite),
        arena_bytes=need.arena if need else None,
        arena_source=need.source if need else "",
        flash_bytes=flash,
        flash_limit=limits[0],
        ram_bytes=ram,
        ram_limit=limits[1],
        problems=tuple(problems),
        notes=need.notes if need else (),
    )


def fit_project(tflite: bytes, project: Project, board: Board) -> FitReport:
    """The same with the project's constraints and window."""
    constraint = project.constraints.get(board.name)
    return fit(
        tflite,
        board,
        flash_limit=constraint.flash_bytes if constraint else None,
        ram_limit=constraint.ram_bytes if constraint else None,
        window_bytes=2 * project.signal.window * len(project.signal.channels),
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


def _need_aot(tflite: bytes) -> _Need:
    with tempfile.TemporaryDirectory() as folder:
        model = compile_model(canonical(tflite), Path(folder))
    notes = tuple(f"no CMSIS-NN kernel for {step}: slower" for step in model.portable_steps)
    return _Need(
        model.constant_bytes,
        model.arena_bytes,
        model.input_bytes,
        MEASURED_BY_COMPILER,
        notes,
    )


def _need_tflm(tflite: bytes) -> _Need:
    memory = measure(tflite)
    if memory.arena_bytes is None:
        raise ConversionError(memory.problem)
    return _Need(len(tflite), memory.arena_bytes, 0, MEASURED_ON_HOST)
