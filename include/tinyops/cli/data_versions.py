"""`tinyops data show` and `diff`: dataset versions, recordings, and what lies between."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from tinyops.cli.output import print_json, terminal
from tinyops.printable import rich_text

if TYPE_CHECKING:
    from tinyops.data.datasets.difference import Difference

ProjectName = Annotated[str, typer.Option("--project", "-p", help="A project's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

_SHOWN = 10


def show(
    word: Annotated[
        str, typer.Argument(help="A version, the beginning of one, `current`, or a recording.")
    ],
    project: ProjectName,
    version: Annotated[
        str, typer.Option(help="The version to look for a recording in.")
    ] = "current",
    picture: Annotated[Path | None, typer.Option(help="PNG of a recording's signal.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what is known of a dataset version, or of one recording."""
    from tinyops.data.datasets.dataset import DatasetError, open_dataset
    from tinyops.data.datasets.find_version import CURRENT, find_version, version_names
    from tinyops.data.ingest.describe import describe_recording, describe_version, read_recording
    from tinyops.projects import load_project
    from tinyops.store import Store

    config = load_project(project)
    store = Store.from_env()
    if word == CURRENT or any(name.startswith(word) for name in version_names(store, config)):
        if picture is not None:
            raise DatasetError(f"{word!r} is a dataset version", "--picture is of one recording")
        named = find_version(store, config, word)
        found = describe_version(open_dataset(store, config, named))
        show_it = _show_version
    else:
        dataset = open_dataset(store, config, find_version(store, config, version))
        found = describe_recording(store, dataset, word)
        show_it = _show_recording
        if picture is not None:
            from tinyops.data.recordings.signal_picture import draw_signal

            found["picture"] = str(draw_signal(read_recording(dataset, word), picture))
    if as_json:
        print_json(found)
    else:
        show_it(found)


def diff(
    before: Annotated[str, typer.Argument(help="A version, or the beginning of one.")],
    after: Annotated[str, typer.Argument(help="Another; by default the current one.")] = "current",
    *,
    project: ProjectName,
    as_json: AsJson = False,
) -> None:
    """Show recordings added, removed and relabelled from one version to another."""
    from tinyops.data.datasets.dataset import open_dataset
    from tinyops.data.datasets.difference import difference
    from tinyops.data.datasets.find_version import find_version
    from tinyops.projects import load_project
    from tinyops.store import Store

    config = load_project(project)
    store = Store.from_env()
    one, other = (
        open_dataset(store, config, find_version(store, config, word)) for word in (before, after)
    )
    found = difference(one, other)
    if as_json:
        print_json(found.to_dict())
    else:
        _show_difference(found)


def _show_version(found: dict[str, Any]) -> None:
    console = terminal()
    kind = "simulated" if found["simulated"] else "measured"
    files = found["files"]
    console.print(
        f"{found['version']} of {found['created_at'][:19]} ({kind}), "
        f"after {found['parent'] or 'nothing'}; {found['recordings']} recordings, "
        f"{found['seconds']:g} s, {files['count']} files of {files['bytes'] / 1e6:.1f} MB; "
        f"{found['relabelled']} relabelled; TinyOps {found['code_version']}",
        soft_wrap=True,
        markup=False,
    )
    if found["unfit"]:
        console.print(f"unfit to train on: {found['unfit']}", markup=False, soft_wrap=True)
    counts = found["counts"]
    parts = list(counts["by_part"])
    table = Table("class", *parts, "all")
    for label, total in counts["by_label"].items():
        shares = (counts["by_part_and_label"][part].get(label, 0) for part in parts)
        table.add_row(rich_text(label), *map(str, shares), str(total))
    table.add_section()
    table.add_row("recordings", *map(str, counts["by_part"].values()), str(found["recordings"]))
    table.add_row("groups", *(str(found["groups"].get(part, 0)) for part in parts), "")
    console.print(table)
    machines = Table("machine", "recordings")
    for name, count in list(counts["by_machine"].items())[:_SHOWN]:
        machines.add_row(rich_text(name), str(count))
    if (more := len(counts["by_machine"]) - _SHOWN) > 0:
        machines.add_row(f"and {more} more", "")
    console.print(machines)
    batches = Table("batch", "accepted", "refused", "source", "note")
    for entry in found["batches"]:
        batches.add_row(
            rich_text(entry["batch"]),
            str(entry["accepted"]),
            str(entry["refused"]),
            rich_text(entry["source"]) + (" (simulated)" if entry["simulated"] else ""),
            rich_text(entry["note"]),
        )
    console.print(batches)
    gate = ", ".join(f"{name} {value}" for name, value in found["gate"].items())
    console.print(f"gate, newest batch: {gate}", markup=False, soft_wrap=True)
    split = ", ".join(f"{name} {value}" for name, value in found["split"].items())
    console.print(f"split: {split}", markup=False, soft_wrap=True)


def _show_recording(found: dict[str, Any]) -> None:
    console = terminal()
    table = Table(show_header=False)
    for name, value in found.items():
        if name == "labels":
            continue
        if isinstance(value, dict):
            value = ", ".join(f"{key} {said}" for key, said in value.items())
        elif isinstance(value, list):
            value = ", ".join(map(str, value))
        table.add_row(name, rich_text(value))
    console.print(table)
    history = Table("label", "from", "author", "at", "note")
    for word in found["labels"]:
        note = word.get("note") or (f"answers {word['request']}" if word.get("request") else "")
        cells = (word["label"], word["source"], word["author"], word["at"][:19], note)
        history.add_row(*(rich_text(cell) for cell in cells))
    console.print(history)


def _show_difference(found: Difference) -> None:
    console = terminal()
    console.print(
        f"{found.before} -> {found.after}: {len(found.added)} recordings added, "
        f"{len(found.removed)} removed, {len(found.relabelled)} relabelled, "
        f"{len(found.recordings_moved)} in another part",
        soft_wrap=True,
        markup=False,
    )
    for kind, pairs in (
        ("class", found.by_label),
        ("part", found.by_part),
        ("machine", found.by_machine),
        ("split", found.split),
    ):
        table = Table(kind, "before", "after")
        for name, (was, now) in list(pairs.items())[:_SHOWN]:
            table.add_row(rich_text(name), rich_text(was), rich_text(now))
        if (more := len(pairs) - _SHOWN) > 0:
            table.add_row(f"and {more} more", "", "")
        if pairs:
            console.print(table)
    lists = {
        "batches added": found.batches_added,
        "batches removed": found.batches_removed,
        "groups added": [f"{name} ({part})" for name, part in found.groups_added.items()],
        "groups removed": [f"{name} ({part})" for name, part in found.groups_removed.items()],
        "groups moved": [f"{one.name} ({one.before} -> {one.after})" for one in found.groups_moved],
        "recordings added": found.added,
        "recordings removed": found.removed,
        "relabelled": [
            f"{one.recording_id} ({one.before} -> {one.after})" for one in found.relabelled
        ],
    }
    for title, names in lists.items():
        if names:
            rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            line = f"{title}: {', '.join(names[:_SHOWN])}{rest}"
            console.print(line, markup=False, soft_wrap=True)
