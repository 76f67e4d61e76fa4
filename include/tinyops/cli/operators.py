"""`tinyops ops`: which runtime supports which operator, of a model or in general."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from tinyops.cli.files import existing_file
from tinyops.cli.output import print_json, show_notes, terminal
from tinyops.printable import rich_text

if TYPE_CHECKING:
    from tinyops.conversion.images.operators import ModelSupport
    from tinyops.conversion.tflite.operator_probe import OperatorSet


def ops(
    model: Annotated[
        Path | None,
        typer.Argument(parser=existing_file, help="A .tflite. Default: all operators."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Say which runtimes have the operators of a model, and what to use instead of those they lack.

    The sets are asked of the installed packages. Exit 1 if no board's runtime takes the model.
    """
    from tinyops.cli.model_file import naming, read
    from tinyops.conversion.images.operators import operator_sets, supported

    if model is None:
        sets = operator_sets()
        if as_json:
            print_json([each.to_dict() for each in sets])
        else:
            _show_sets(sets, terminal())
        return
    with naming(model):
        found = supported(read(model))
    if as_json:
        print_json(found.to_dict())
    else:
        _show_model(found, operator_sets(), terminal())
    if not found.on_a_board():
        raise typer.Exit(1)


def _show_sets(sets: tuple[OperatorSet, ...], console: Console) -> None:
    from tinyops.conversion.tflite.operator_probe import builtin_operators

    litert, tflm, aot = sets
    table = Table("operator", "LiteRT", "TFLM", "ahead of time", box=None)
    for name in sorted(builtin_operators()):
        if name in litert.operators | tflm.operators | aot.operators:
            compiled = "CMSIS-NN" if name in aot.fast else "portable C"
            table.add_row(
                name,
                _yes(name in litert.operators),
                _yes(name in tflm.operators),
                compiled if name in aot.operators else "[red]no",
            )
    console.print(table)
    _show_versions(sets, console)


def _show_model(found: ModelSupport, sets: tuple[OperatorSet, ...], console: Console) -> None:
    table = Table(
        "", "operator", "makes", "TensorFlow", "LiteRT", "TFLM", "ahead of time", box=None
    )
    for row in found.operators:
        table.add_row(
            str(row.number),
            rich_text(row.operator),
            rich_text(_short(row.makes)),
            _yes(row.tensorflow),
            _yes(row.litert),
            _yes(row.tflm),
            "[red]no" if row.aot == "no" else row.aot,
        )
    console.print(table)
    layers: dict[tuple[str, str], list[str]] = {}
    for row in found.operators:
        if row.instead:
            layers.setdefault((row.operator, row.instead), []).append(
                f"{row.number} ({_short(row.makes)})"
            )
    for (operator, instead), numbers in layers.items():
        console.print(
            f"{operator} in operator {', '.join(numbers)}: use {instead}",
            markup=False,
            soft_wrap=True,
        )
    show_notes(found.notes, console)
    for verdict in found.verdicts:
        said = f"[red]no[/]: {rich_text(verdict.problem)}" if verdict.problem else "[green]yes"
        console.print(f"{verdict.runtime}: {said}", soft_wrap=True)
    _show_versions(sets, console)


def _show_versions(sets: tuple[OperatorSet, ...], console: Console) -> None:
    asked = ", ".join(f"{each.package} {each.version} ({len(each.operators)})" for each in sets)
    console.print(f"[dim]asked of {asked}[/]", soft_wrap=True)


def _short(makes: str) -> str:
    # The converter joins the names of all layers that it has fused.
    return makes.split(";")[0]


def _yes(there: bool) -> str:
    return "yes" if there else "[red]no"
