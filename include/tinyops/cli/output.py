"""Output of every command: result, progress and errors, safe whatever a name holds.

Text from S3 or from a board may hold control sequences and rich's markup. `terminal` and `echo`
show control characters as escapes; `tinyops.printable.rich_text` also keeps rich from reading
`[red]` as a colour.
Nothing else in this room writes to a terminal (tests/cli/test_terminal_text.py).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.segment import Segment
from rich.text import Text

from tinyops.printable import json_text, printable, rich_text


class _Terminal(Console):
    """A console that shows control characters of any text as escapes."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(printable(text, lines=True), **options)

    def render(self, renderable: Any, options: Any = None) -> Iterator[Segment]:
        # Texts that rich makes of a string itself, such as a progress bar's description.
        for segment in super().render(renderable, options):
            shown = segment.text if segment.control else printable(segment.text, lines=True)
            yield segment._replace(text=shown)


def terminal(stderr: bool = False, soft_wrap: bool = False) -> Console:
    """Return a console on standard output or standard error."""
    return _Terminal(stderr=stderr, soft_wrap=soft_wrap, emoji=False)


def echo(text: object, *, stderr: bool = False, newline: bool = True) -> None:
    """Print text without colours, wrapping or markup."""
    typer.echo(printable(text, lines=True), err=stderr, nl=newline)


def print_content(text: str) -> None:
    """Print the content of a file: exact in a pipe, as text on a terminal."""
    typer.echo(printable(text, lines=True) if sys.stdout.isatty() else text, nl=False)


def print_json(content: Any) -> None:
    """Print the result of a command with `--json`, on standard output and alone there."""
    typer.echo(json_text(content, indent=2))


def show_notes(notes: Iterable[str], console: Console) -> None:
    """Print a line for each note of a model's canonical form."""
    for note in notes:
        console.print(f"rewritten: {rich_text(note)}", soft_wrap=True)


def progress_bar() -> Progress:
    """Return a bar on standard error, gone at the end; none where no terminal is."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=terminal(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
