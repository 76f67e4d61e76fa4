"""`tinyops fit`, `compile`, `prove`, `profile`: what becomes of a .tflite on a board."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from tinyops.cli.files import existing_file
from tinyops.cli.output import echo, print_json, progress_bar, show_notes, terminal
from tinyops.printable import rich_text

if TYPE_CHECKING:
    from tinyops.boards.board import Board
    from tinyops.conversion.candidates.prove import Proof
    from tinyops.conversion.images.tune import Search
    from tinyops.conversion.images.tuning import Tuning

app = typer.Typer(help="What becomes of a model on a board.")

Model = Annotated[Path, typer.Argument(parser=existing_file, help="An int8 .tflite.")]
OneBoard = Annotated[str, typer.Option("--board", "-b", help="A board of `tinyops boards`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Tuned = Annotated[
    bool, typer.Option("--tune", help="Search for the fastest way to compile it, by counting.")
]


@app.command()
def fit(
    model: Model,
    board: Annotated[
        list[str] | None, typer.Option("--board", "-b", help="A board; repeatable. Default: all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check whether a model fits the boards' memory and operators. Exit 1 if it fits none."""
    from tinyops.boards.catalogue import board_names, load_board
    from tinyops.cli.fit_view import show_fit
    from tinyops.cli.model_file import naming, read
    from tinyops.conversion.images.fit import fit as measure
    from tinyops.conversion.tflite.canonical import canonical

    with naming(model):
        tflite = read(model)
        # What no board can take is said once, not for each of them.
        canonical(tflite)
    reports = [measure(tflite, load_board(name)) for name in board or board_names()]
    if as_json:
        print_json([report.to_dict() for report in reports])
    else:
        show_fit(reports, terminal())
    if not any(report.fits for report in reports):
        raise typer.Exit(1)


@app.command("compile")
def compile_model(
    model: Model,
    board: OneBoard,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for image, map and sources.")],
    tune: Tuned = False,
    as_json: AsJson = False,
) -> None:
    """Build the image of a bare model: image.bin, image.json, the linked firmware and sources."""
    from tinyops.boards.catalogue import load_board
    from tinyops.cli.model_file import naming, read
    from tinyops.conversion.images.bare import build_bare

    described = load_board(board)
    out.mkdir(parents=True, exist_ok=True)
    with naming(model):
        tflite = read(model)
        built = build_bare(tflite, described, model.stem, out, _tuning(tflite, described, tune))
    content = built.to_dict()
    text = json.dumps(content, indent=2, sort_keys=True)
    (out / "image.json").write_text(text + "\n")
    if as_json:
        echo(text)
        return
    sizes = built.sizes
    memory = (
        f"flash {sizes.flash_bytes:,} bytes, RAM {sizes.ram_bytes:,} bytes"
        if sizes is not None
        else "firmware built for this host; `tinyops fit` estimates the board's memory"
    )
    show_notes(built.notes, terminal())
    terminal().print(
        f"[bold]{rich_text(out / 'image.bin')}[/] for {content['header']['target']}: {memory}"
    )


@app.command()
def prove(
    model: Model,
    board: OneBoard,
    samples: Annotated[int, typer.Option(min=1, help="Inputs to compare.")] = 16,
    seed: Annotated[int, typer.Option(help="Of the random inputs.")] = 0,
    tune: Tuned = False,
    as_json: AsJson = False,
) -> None:
    """Boot the model's image on an emulated chip and compare it with TensorFlow Lite Micro.

    For a board without an emulator the firmware runs as a process of this host.
    """
    from tinyops.boards.catalogue import load_board
    from tinyops.cli.model_file import naming, read
    from tinyops.conversion.candidates.prove import prove as compare
    from tinyops.conversion.images.bare import build_bare, inputs_for
    from tinyops.conversion.tflite.reference import Reference

    described = load_board(board)
    with tempfile.TemporaryDirectory() as folder, naming(model):
        tflite = read(model)
        tuning = _tuning(tflite, described, tune)
        built = build_bare(tflite, described, model.stem, Path(folder), tuning)
        shape = Reference(built.canonical).input_shape[1:]
        inputs = inputs_for(shape, samples, seed)
        with progress_bar() as progress:
            task = progress.add_task("proving", total=samples)
            proof = compare(
                built.image,
                built.canonical,
                inputs,
                progress=lambda done: progress.update(task, completed=done),
            )
    if as_json:
        print_json(proof.to_dict() | {"notes": list(built.notes)})
        return
    show_notes(built.notes, terminal())
    table = Table(show_header=False)
    for name, value in _proof_rows(proof, described):
        table.add_row(name, value)
    terminal().print(table)


@app.command("profile")
def profile_model(
    model: Model,
    board: OneBoard,
    tune: Tuned = False,
    as_json: AsJson = False,
) -> None:
    """Count the instructions of each layer on the emulated chip."""
    from tinyops.boards.catalogue import load_board
    from tinyops.cli.model_file import naming, read
    from tinyops.cli.profile_view import show_profile, show_search
    from tinyops.conversion.images.bare import profile_bare
    from tinyops.conversion.images.profile import Profile
    from tinyops.conversion.tflite.canonical import rewritten

    described = load_board(board)
    with tempfile.TemporaryDirectory() as folder, naming(model):
        tflite = read(model)
        found = (
            _search(tflite, described) if tune else profile_bare(tflite, described, Path(folder))
        )
        notes = rewritten(tflite).notes
    if as_json:
        print_json(found.to_dict() | {"notes": list(notes)})
        return
    show_notes(notes, terminal())
    if isinstance(found, Profile):
        show_profile(found, terminal())
    else:
        show_search(found, terminal())


def _tuning(tflite: bytes, board: Board, tune: bool) -> Tuning:
    from tinyops.conversion.images.tuning import DEFAULT

    return _search(tflite, board).best.tuning if tune else DEFAULT


def _search(tflite: bytes, board: Board) -> Search:
    from tinyops.conversion.images.bare import search_bare
    from tinyops.conversion.images.tune import ATTEMPTS

    with tempfile.TemporaryDirectory() as folder, progress_bar() as progress:
        task = progress.add_task("counting", total=ATTEMPTS)
        return search_bare(
            tflite, board, Path(folder), lambda done: progress.update(task, completed=done)
        )


def _proof_rows(proof: Proof, board: Board) -> list[tuple[str, str]]:
    rows = [
        ("board", f"{proof.board} ({proof.target})"),
        ("ran on", proof.chip),
        ("same bytes as the reference", f"{proof.samples} of {proof.samples} samples"),
    ]
    if proof.instructions_per_inference is None:
        return [*rows, ("flash, RAM, instructions", "known only on the board; see `tinyops fit`")]
    milliseconds = 1000 * proof.instructions_per_inference / board.clock.hz
    return [
        *rows,
        ("instructions an inference", f"{proof.instructions_per_inference:,}"),
        ("shortest time, one a cycle", f"{milliseconds:.1f} ms at {board.clock.hz / 1e6:g} MHz"),
        ("flash, with firmware", _bytes(proof.flash_bytes)),
        ("RAM, with firmware and stack", _bytes(proof.ram_bytes)),
        ("stack in use at most", _bytes(proof.stack_bytes)),
    ]


def _bytes(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"
