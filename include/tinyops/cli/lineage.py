"""`tinyops lineage show`: from a release or device back to recordings and labels, and forward."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.tree import Tree

from tinyops.cli.output import print_json, terminal
from tinyops.printable import rich_text

if TYPE_CHECKING:
    from tinyops.lineage.tree import Node

lineage_app = typer.Typer(help="What came from what, back to recordings and on to devices.")

_SHOWN = 5


@lineage_app.callback()
def _group() -> None:
    """Keep `show` a command of its own."""


@lineage_app.command()
def show(
    word: Annotated[
        str,
        typer.Argument(help="A release, candidate, dataset version, recording, machine or device."),
    ],
    project: Annotated[
        str, typer.Option("--project", "-p", help="A project's name; all of them if absent.")
    ] = "",
    kind: Annotated[
        Literal["release", "candidate", "dataset", "recording", "machine", "device"] | None,
        typer.Option(help="What the word names, where that is not clear."),
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="Draw it as well, as PNG.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Show what a thing is made from and what was made from it; reads no samples."""
    from tinyops.lineage.find import find
    from tinyops.lineage.records import Records
    from tinyops.lineage.trace import trace
    from tinyops.projects import load_project, project_names
    from tinyops.store import Store

    store = Store.from_env()
    names = [load_project(project).name] if project else project_names()
    found = find([Records(store, name) for name in names], word, kind)
    with terminal(stderr=True).status("following manifests"):
        root = trace(found)
    if picture is not None:
        from tinyops.lineage.picture import draw_lineage

        draw_lineage(root, picture)
    if as_json:
        print_json({"project": found.records.project} | root.to_dict())
        return
    tree = Tree(_line(root))
    _grow(tree, root)
    terminal().print(tree)


def _grow(tree: Tree, node: Node) -> None:
    shown: dict[tuple[str, str], int] = {}
    hidden: dict[tuple[str, str], int] = {}
    for child in node.children:
        group = (child.role, child.kind)
        # A version that nobody trained on leads nowhere; those that lead on are all shown.
        limited = not child.children
        if limited and shown.get(group, 0) >= _SHOWN:
            hidden[group] = hidden.get(group, 0) + 1
            continue
        shown[group] = shown.get(group, 0) + 1
        _grow(tree.add(_line(child)), child)
    for (role, kind), count in hidden.items():
        tree.add(f"[dim]{role} {count} more of kind {kind} (--json has all)[/]")


def _line(node: Node) -> str:
    role = f"[dim]{rich_text(node.role)}[/] " if node.role else ""
    facts = ", ".join(f"{name} {_plain(value)}" for name, value in node.facts.items() if value)
    return f"{role}{node.kind} [bold]{rich_text(node.name)}[/] [dim]{rich_text(facts)}[/]"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name} {said}" for name, said in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
