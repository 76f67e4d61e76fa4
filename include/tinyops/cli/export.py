"""`tinyops export arduino`: a project's model as an Arduino library for real boards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from tinyops.cli.files import existing_file
from tinyops.cli.output import print_json, terminal
from tinyops.printable import rich_text

if TYPE_CHECKING:
    from tinyops.boards.board import Board
    from tinyops.conversion.images.build_request import BuildRequest
    from tinyops.projects import Project

export_app = typer.Typer(
    help="Write a project's model in a form that other toolchains build.", no_args_is_help=True
)


@export_app.callback()
def _group() -> None:
    """More than one form is to come: without this Typer would leave `arduino` out."""


@export_app.command()
def arduino(
    project: Annotated[str, typer.Option("--project", "-p", help="A project.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the libraries.")],
    board: Annotated[
        list[str] | None,
        typer.Option("--board", "-b", help="A board; repeatable. Default: the project's."),
    ] = None,
    candidate: Annotated[
        str | None, typer.Option(help="This candidate. Default: the released one, else the newest.")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(parser=existing_file, help="An int8 .tflite instead; needs no S3."),
    ] = None,
    as_zip: Annotated[
        bool, typer.Option("--zip", help="Also write a .zip of each for the IDE.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Write one Arduino library a board: model, frontend, monitor, link and an example sketch.

    Nothing here was seen on a real board; the library's README says what was compared where.
    """
    from tinyops.boards.catalogue import load_board
    from tinyops.conversion.arduino.library import export_library
    from tinyops.projects import load_project

    scope = load_project(project)
    chosen = [load_board(name) for name in board] if board else _boards_of(scope)
    # All of them before the first is written: an error leaves nothing behind.
    libraries = [export_library(_request(scope, each, candidate, model), scope) for each in chosen]
    written = []
    for library in libraries:
        facts = library.to_dict() | {"folder": str(library.write(out))}
        if as_zip:
            archive = out / f"{library.name}.zip"
            archive.write_bytes(library.zipped())
            facts["zip"] = str(archive)
        written.append(facts)
    if as_json:
        print_json(written)
        return
    table = Table("board", "target", "library", "files")
    for facts in written:
        row = (facts["board"], facts["target"], facts["folder"], str(facts["files"]))
        table.add_row(*map(rich_text, row))
    terminal().print(table)
    terminal().print(
        "Not seen on hardware; each README.md says what was compared, and how to build."
    )


def _boards_of(scope: Project) -> list[Board]:
    from tinyops.boards.catalogue import load_board
    from tinyops.conversion.tflite.errors import ConversionError

    boards = [found for found in map(load_board, scope.boards) if found.arduino]
    if not boards:
        raise ConversionError(
            f"no board of {scope.name} has an Arduino core in the catalogue", "give --board"
        )
    return boards


def _request(
    scope: Project, board: Board, candidate: str | None, model: Path | None
) -> BuildRequest:
    from tinyops.cli.model_file import naming, read
    from tinyops.conversion.candidates.arduino_request import (
        candidate_request,
        model_request,
        newest_version,
    )
    from tinyops.conversion.tflite.errors import ConversionError

    target = board.real_target or ""
    if model is not None:
        if candidate is not None:
            raise ConversionError("both --candidate and --model", "give one of them")
        with naming(model):
            return model_request(read(model), scope, board, target)
    from tinyops.store import Store

    store = Store.from_env()
    version = candidate or newest_version(store, scope.name)
    return candidate_request(store, scope, version, board, target)
