"""`tinyops`: puts the commands together and turns errors into one line that says what to do."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import typer

from tinyops import __version__
from tinyops.cli.files import file_error
from tinyops.cli.output import echo
from tinyops.errors import TinyOpsError
from tinyops.printable import json_text

# (command or group, module, its function or its Typer app), in the order of `tinyops --help`.
COMMANDS = (
    ("demo", "tinyops.cli.demo", "demo"),
    ("up", "tinyops.cli.stack", "up"),
    ("status", "tinyops.cli.stack", "status"),
    ("env", "tinyops.cli.stack", "env"),
    ("down", "tinyops.cli.stack", "down"),
    ("project", "tinyops.cli.project", "project_app"),
    ("data", "tinyops.cli.data", "data_app"),
    ("label", "tinyops.cli.label", "label_app"),
    ("lineage", "tinyops.cli.lineage", "lineage_app"),
    ("monitor", "tinyops.cli.monitoring", "monitor_app"),
    ("fit", "tinyops.cli.models", "fit"),
    ("compile", "tinyops.cli.models", "compile_model"),
    ("prove", "tinyops.cli.models", "prove"),
    ("bench", "tinyops.cli.bench", "bench"),
    ("export", "tinyops.cli.export", "export_app"),
    ("ops", "tinyops.cli.operators", "ops"),
    ("profile", "tinyops.cli.models", "profile_model"),
    ("boards", "tinyops.cli.boards", "boards"),
    ("probe", "tinyops.cli.edge", "probe"),
    ("flash", "tinyops.cli.edge", "flash"),
    ("virtual-board", "tinyops.cli.virtual_board", "virtual_board"),
    ("rollout", "tinyops.cli.rollout", "rollout_app"),
    ("gateway", "tinyops.cli.edge", "gateway_app"),
)
# These look after the stack themselves, or must not see its keys.
WITHOUT_STACK = ("demo", "up", "status", "env", "down", "virtual-board")

INTERNAL_ERROR = 70  # EX_SOFTWARE of sysexits.h
BROKEN_PIPE = 141  # as a shell reports a program that SIGPIPE ended


def build_app() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer(
        help="TinyOps: the whole life of a model that lives on a microcontroller.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_prepare)
    for name, module, attribute in COMMANDS:
        found = getattr(importlib.import_module(module), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    return app


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status: 0, 1 for an error, 2 for wrong usage, 70 for a bug."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        build_app()(args=given, prog_name="tinyops")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    except TinyOpsError as error:
        return _report(error.message, error.fix, given, status=1)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader has gone (`tinyops … | head`): the interpreter's own flush must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:
        refused = file_error(error) if isinstance(error, OSError) else None
        if refused is not None:
            return _report(refused.message, refused.fix, given, status=1)
        if os.environ.get("TINYOPS_TRACEBACK"):
            raise
        message = f"internal error: {type(error).__name__}: {error}"
        return _report(message, "set TINYOPS_TRACEBACK=1 to see where", given, INTERNAL_ERROR)
    return 0


def _report(message: str, fix: str, arguments: list[str], status: int) -> int:
    if "--json" in arguments:
        print(json_text({"error": message, "fix": fix}))
    else:
        line = " ".join(f"{message} -> {fix}".split() if fix else message.split())
        line = line if status == INTERNAL_ERROR else f"error: {line}"
        echo(line, stderr=True)
    return status


def _version(wanted: bool) -> None:
    if wanted:
        echo(f"tinyops {__version__}")
        raise typer.Exit


def _prepare(
    context: typer.Context,
    version: bool = typer.Option(
        False, "--version", is_eager=True, callback=_version, help="Print the version and end."
    ),
) -> None:
    """Let commands find the embedded stack unless the environment names another S3 server."""
    if context.invoked_subcommand in WITHOUT_STACK or os.environ.get("AWS_ENDPOINT_URL_S3"):
        return
    state_dir = Path(os.environ.get("TINYOPS_STATE") or ".tinyops")
    for name, value in _stack_env(state_dir).items():
        os.environ.setdefault(name, value)


def _stack_env(state_dir: Path) -> dict[str, Any]:
    from tinyops.local.swift_config import was_started

    if not was_started(state_dir):
        return {}
    from tinyops.local.stack import Stack

    return Stack(state_dir).env()


if __name__ == "__main__":
    sys.exit(main())
