"""`tinyops data download`: public data sets, for whoever has internet."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from tinyops.cli.output import print_json, terminal
from tinyops.errors import TinyOpsError

if TYPE_CHECKING:
    from tinyops.data.recordings.download import PublicFile, PublicSet


def download(
    name: Annotated[
        str, typer.Argument(help="uestc, cwru or speech-commands; none: lists them.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder; default: ./NAME.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Fetch without asking.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Fetch a public data set from its authors' host, and say how to import it.

    Address, size, checksum, licence and citation are shown first and must be agreed to. A download
    that was cut off goes on where it stopped; every file's SHA-256 is checked.
    """
    from tinyops.data.recordings.download import PUBLIC_SETS, download_set, public_set

    if not name:
        _show_all(list(PUBLIC_SETS.values()), as_json)
        return
    wanted = public_set(name)
    console = terminal(stderr=as_json)
    console.print(wanted.title, style="bold", markup=False)
    for what, text in wanted.told():
        console.print(f"  {what}: {text}", markup=False, soft_wrap=True, highlight=False)
    if not yes and not _agreed():
        raise TinyOpsError("nothing was fetched: not agreed to", "give --yes to agree")
    folder = out or Path(name)
    with _progress() as progress:
        bar = progress.add_task(name, total=None)

        def told(file: PublicFile, done: int, total: int | None) -> None:
            progress.update(bar, description=file.path, completed=done, total=total)

        found = download_set(wanted, folder, told)
    pinned = sum(one.pinned for one in found)
    commands = [one.format(project="PROJECT") for one in wanted.commands]
    if as_json:
        files = [
            {"path": str(one.path), "sha256": one.sha256, "pinned": one.pinned} for one in found
        ]
        print_json({"name": name, "files": files, "needs": wanted.needs, "commands": commands})
        return
    how = f"{pinned} pinned in {folder / 'SHA256SUMS'}: nobody has published them" if pinned else ""
    console.print(f"{len(found)} files in {folder}, checksums good{'; ' if how else ''}{how}")
    console.print(f"next, for a project with {wanted.needs}, from {folder.absolute().parent}:")
    for command in commands:
        console.print(f"  {command}", markup=False, soft_wrap=True, highlight=False)


def _show_all(sets: list[PublicSet], as_json: bool) -> None:
    if as_json:
        rows: list[dict[str, Any]] = [
            {"name": one.name, "title": one.title, "licence": one.licence, "homepage": one.homepage}
            for one in sets
        ]
        print_json(rows)
        return
    table = Table("name", "what", "licence", "from")
    for one in sets:
        table.add_row(one.name, one.title, one.licence, one.homepage)
    terminal().print(table)


def _agreed() -> bool:
    # Without a terminal nobody can be asked, and silence is no agreement.
    return sys.stdin.isatty() and typer.confirm("Fetch it?", err=True)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=terminal(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
