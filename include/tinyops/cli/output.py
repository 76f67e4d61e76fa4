"""How every command prints its result and its progress."""

from __future__ import annotations

import json
import sys
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def print_json(content: Any) -> None:
    """The result of a command with `--json`, on standard output and alone there."""
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False))


def progress_bar() -> Progress:
    """A bar for a person: on standard error, gone at the end, and none where no terminal is."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
