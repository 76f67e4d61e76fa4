"""`tinyops boards`: the catalogue."""

from __future__ import annotations

from typing import Annotated

import typer

from tinyops.cli.output import print_json, terminal
from tinyops.printable import rich_text


def boards(
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """List the boards: processor, memory, sensors, how they are flashed and what can be built."""
    from rich.table import Table

    from tinyops.boards.catalogue import board_names, load_board

    found = [load_board(name) for name in board_names()]
    if as_json:
        print_json([board.model_dump() for board in found])
        return
    table = Table("board", "processor", "flash / RAM", "sensors, highest rate", "runtime")
    table.columns[0].no_wrap = True
    for board in found:
        sensors = [
            f"{sensor.name} {sensor.max_rate_hz:g} Hz{', external' if sensor.external else ''}"
            for sensor in board.sensors
        ]
        table.add_row(
            f"[bold]{rich_text(board.name)}[/]",
            f"{board.core}\n{board.clock.hz // 1_000_000} MHz",
            f"{board.flash.app_bytes // 1024} / {board.ram.app_bytes // 1024} KiB",
            "\n".join(map(rich_text, sensors)),
            board.runtime.kind if board.targets else f"{board.runtime.kind}, fit only",
        )
    terminal().print(table)
