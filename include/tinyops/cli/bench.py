"""`tinyops bench`: a model in the serving scenarios, on a board and on this host."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from tinyops.cli.files import existing_file
from tinyops.cli.output import print_json, progress_bar, terminal
from tinyops.printable import rich_text

if TYPE_CHECKING:
    from rich.progress import Progress

    from tinyops.boards.board import Board
    from tinyops.serving.scenario import Result, Scenario

ALL = "all"


def bench(
    model: Annotated[Path, typer.Argument(parser=existing_file, help="An int8 .tflite.")],
    board: Annotated[
        str | None, typer.Option("--board", "-b", help="A board of `tinyops boards`: emulated.")
    ] = None,
    host: Annotated[
        bool, typer.Option("--host", help="Measure LiteRT on this host, with MLCommons' LoadGen.")
    ] = False,
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            "--scenario",
            "-s",
            help="single-stream, multi-stream, server, offline or all (default).",
        ),
    ] = None,
    latency_bound_ms: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            help="Bound of server and multi-stream. Default: 1000 on a board, 10 on the host.",
        ),
    ] = None,
    cycles_per_instruction: Annotated[
        float, typer.Option(min=0.1, help="Assumed of the board; 1 is a lower bound.")
    ] = 1.0,
    min_duration: Annotated[
        float, typer.Option(min=0.01, help="Seconds of each of the host's runs, at least.")
    ] = 0.5,
    min_queries: Annotated[
        int, typer.Option(min=10, help="Queries of each of the host's runs, at least.")
    ] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Of inputs and of arrivals.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Latency, streams, queries and samples per second, MLPerf-style; never an MLPerf result.

    On a board: a queue model from instructions that QEMU counts. On the host: measured times.
    """
    from tinyops.cli.model_file import naming, read
    from tinyops.serving.errors import ServingError
    from tinyops.serving.load import BOUND_MS, host_results
    from tinyops.serving.scenario import NO_MLPERF_RESULT, chosen

    if board is None and not host:
        raise ServingError("nothing to measure on", "give --board B, --host or both")
    scenarios = chosen(scenario or [ALL])
    results: list[Result] = []
    with progress_bar() as progress, naming(model):
        tflite = read(model)
        if board is not None:
            results += _on_board(
                tflite,
                model.stem,
                board,
                scenarios,
                latency_bound_ms,
                cycles_per_instruction,
                progress,
            )
        if host:
            task = progress.add_task("load generator", total=len(scenarios) + 1)

            def tell(name: str) -> None:
                progress.update(task, description=f"host: {name}", advance=1)

            results += host_results(
                tflite,
                scenarios,
                latency_bound_ms or BOUND_MS,
                seconds=min_duration,
                queries=min_queries,
                seed=seed,
                progress=tell,
            )
    if as_json:
        content = {
            "model": model.name,
            "note": NO_MLPERF_RESULT,
            "results": [result.to_dict() for result in results],
        }
        print_json(content)
        return
    _show(results, terminal())


def _on_board(
    tflite: bytes,
    name: str,
    board: str,
    scenarios: list[Scenario],
    bound_ms: float | None,
    cycles: float,
    progress: Progress,
) -> list[Result]:
    from tinyops.boards.catalogue import load_board
    from tinyops.serving.chip import BOUND_MS, Answer, board_results

    described = load_board(board)
    answer = Answer(
        board=board,
        instructions=_instructions(tflite, name, described, progress),
        counted="inference",
        clock_hz=described.clock.hz,
        cycles_per_instruction=cycles,
    )
    return board_results(answer, scenarios, bound_ms or BOUND_MS)


def _instructions(tflite: bytes, name: str, board: Board, progress: Progress) -> int:
    """Of one inference: the image is built and proven, as in `tinyops prove`."""
    from tinyops.conversion.candidates.prove import prove
    from tinyops.conversion.images.bare import build_bare, inputs_for
    from tinyops.conversion.tflite.reference import Reference
    from tinyops.serving.errors import ServingError

    samples = 4
    if board.runtime.kind != "aot":
        raise ServingError(
            f"{board.name} has no emulator here, so its instructions are not known",
            "use a board with a Cortex-M4, or --host",
        )
    task = progress.add_task(f"{board.name}: compiling", total=samples)
    with tempfile.TemporaryDirectory() as folder:
        built = build_bare(tflite, board, name, Path(folder))
        progress.update(task, description=f"{board.name}: counting in QEMU")
        shape = Reference(built.canonical).input_shape[1:]
        proof = prove(
            built.image,
            built.canonical,
            inputs_for(shape, samples, 0),
            progress=lambda done: progress.update(task, completed=done),
        )
    assert proof.instructions_per_inference is not None
    return proof.instructions_per_inference


def _show(results: list[Result], console: Console) -> None:
    from tinyops.serving.scenario import NO_MLPERF_RESULT

    notes: list[str] = []
    table = Table("scenario", "served by", "figure", "", "how", "notes", box=None)
    table.columns[2].justify = "right"
    for result in results:
        notes += [line for line in result.assumptions if line not in notes]
        numbers = sorted(notes.index(line) + 1 for line in result.assumptions)
        table.add_row(
            result.scenario.value,
            rich_text(result.system),
            f"{result.value:,.6g}",
            result.unit,
            result.measured,
            ",".join(map(str, numbers)),
        )
    console.print(f"[bold]{NO_MLPERF_RESULT}[/]")
    console.print(table)
    for metric in dict.fromkeys(f"{one.scenario.value}: {one.metric}" for one in results):
        console.print(f"[dim]{rich_text(metric)}[/]")
    for number, line in enumerate(notes, start=1):
        console.print(f"[dim]({number}) {rich_text(line)}[/]")
