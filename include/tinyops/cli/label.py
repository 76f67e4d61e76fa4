"""`tinyops label`: what is asked for, answers, corrections, audits, and who said what."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.table import Table

from tinyops.cli.files import existing_file
from tinyops.cli.label_suspects import suspects
from tinyops.cli.labelling import login_name, open_project, predicted_labels
from tinyops.cli.output import print_content, print_json, terminal
from tinyops.printable import rich_text

label_app = typer.Typer(help="Labels: requests and answers, corrections, audits, history.")
label_app.command()(suspects)

ProjectName = Annotated[str, typer.Option("--project", "-p", help="A project's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Author = Annotated[str, typer.Option(help="Who says so; your login name if absent.")]
Note = Annotated[str, typer.Option(help="A line for whoever reads the history.")]
Kind = Annotated[
    Literal["operator", "work_order", "import", "simulator"],
    typer.Option("--source", help="Where the labels come from."),
]
CsvFile = typer.Option(parser=existing_file, help="CSV: recording_id,label[,note].")


@label_app.command()
def requests(project: ProjectName, as_json: AsJson = False) -> None:
    """What monitoring asks for and nobody has answered, oldest first."""
    from tinyops.data.labels.label_request import open_requests

    store, config = open_project(project)
    found = open_requests(store, config)
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
        return
    console = terminal()
    table = Table("request", "kind", "device", "about", "since", "what to do")
    for one in found:
        since = f"{one.at:%Y-%m-%d %H:%M}"
        row = (one.id, one.kind, one.device, one.about, since, one.instructions)
        table.add_row(*map(rich_text, row))
    console.print(table if found else "nothing is asked for")


@label_app.command()
def template(
    request: Annotated[str, typer.Argument(help="A request's id.")],
    project: ProjectName,
    out: Annotated[Path | None, typer.Option(help="File to write; else printed.")] = None,
    as_json: AsJson = False,
) -> None:
    """The CSV to fill in for a request: recordings, their label, and what the model says."""
    from tinyops.data.ingest.answers import newest_dataset, request_of
    from tinyops.data.labels.label_file import write_template

    store, config = open_project(project)
    asked = request_of(store, config, request, "concept drift")
    dataset = newest_dataset(store, config)
    labels = {row.recording_id: row.label for row in dataset.index()}
    said = predicted_labels(store, config, dataset, asked)
    rows = [(name, labels.get(name, ""), said.get(name, "")) for name in asked.recordings]
    if out is not None:
        with out.open("w", encoding="utf-8", newline="") as file:
            write_template(file, rows)
    elif not as_json:
        text = io.StringIO(newline="")
        write_template(text, rows)
        print_content(text.getvalue())
    if as_json:
        names = ("recording_id", "current_label", "predicted_label")
        content = [dict(zip(names, row, strict=True)) for row in rows]
        print_json({"request": request, "file": str(out) if out else None, "recordings": content})


@label_app.command()
def answer(
    request: Annotated[str, typer.Argument(help="A request's id.")],
    project: ProjectName,
    file: Annotated[Path | None, CsvFile] = None,
    recordings: Annotated[
        Path | None,
        typer.Option(parser=existing_file, help="Parquet: new labelled recordings."),
    ] = None,
    batch_id: Annotated[str, typer.Option(help="Name of the batch of recordings.")] = "",
    source: Kind = "operator",
    author: Author = "",
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Answer a request: labels for its recordings, or new labelled recordings as a batch."""
    from tinyops.data.ingest.answers import (
        answer_batch,
        answer_with_labels,
        label_set,
        request_of,
    )
    from tinyops.data.ingest.batch import publish_batch
    from tinyops.data.labels.label_file import read_label_file
    from tinyops.data.recordings.parquet import read_recordings

    if (file is None) == (recordings is None):
        raise typer.BadParameter("give either --file or --recordings")
    store, config = open_project(project)
    by = author or login_name()
    if file is not None:
        labels = label_set(config, read_label_file(file), source, by, note)
        _tell(answer_with_labels(store, config, request, labels), as_json)
    elif recordings is not None:
        asked = request_of(store, config, request, "data drift")
        name = batch_id or answer_batch(asked.id)
        uri = publish_batch(
            store,
            config,
            name,
            read_recordings(recordings),
            note or f"by {by}",
            source="file",
            request=asked.id,
        )
        _tell({"batch": name, "uri": uri, "request": asked.id}, as_json)


@label_app.command("set")
def set_label(
    recording: Annotated[str, typer.Argument(help="A recording's id.")],
    label: Annotated[str, typer.Argument(help="Its class.")],
    project: ProjectName,
    source: Kind = "operator",
    author: Author = "",
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Correct the label of one recording; what was said before is kept."""
    from tinyops.data.ingest.answers import label_set, publish_checked
    from tinyops.data.labels.label_set import LabelRow

    if not recording or not label:
        raise typer.BadParameter("name a recording and its class")
    store, config = open_project(project)
    row = LabelRow(recording_id=recording, label=label)
    labels = label_set(config, (row,), source, author or login_name(), note)
    _tell(publish_checked(store, config, labels), as_json)


@label_app.command()
def apply(
    file: Annotated[
        Path, typer.Argument(parser=existing_file, help="CSV: recording_id,label[,note].")
    ],
    project: ProjectName,
    source: Kind = "operator",
    author: Author = "",
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Correct the labels in a file; rows without a label are left out."""
    from tinyops.data.ingest.answers import label_set, publish_checked
    from tinyops.data.labels.label_file import read_label_file

    store, config = open_project(project)
    labels = label_set(config, read_label_file(file), source, author or login_name(), note)
    _tell(publish_checked(store, config, labels), as_json)


@label_app.command()
def audit(
    file: Annotated[Path, CsvFile],
    project: ProjectName,
    author: Author = "",
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Hand in labels of recordings chosen at random: evidence about the model, not yet truth."""
    from tinyops.data.ingest.answers import label_set, publish_checked
    from tinyops.data.labels.label_file import read_label_file

    store, config = open_project(project)
    labels = label_set(config, read_label_file(file), "audit", author or login_name(), note)
    _tell(publish_checked(store, config, labels), as_json)


@label_app.command()
def history(
    recording: Annotated[str, typer.Argument(help="A recording's id.")],
    project: ProjectName,
    as_json: AsJson = False,
) -> None:
    """Who said what of a recording and when, oldest first."""
    from tinyops.data.ingest.answers import newest_dataset
    from tinyops.data.labels.label_set import LabelError
    from tinyops.data.labels.labels import label_history

    store, config = open_project(project)
    told = label_history(store, newest_dataset(store, config), recording)
    if not told:
        raise LabelError(
            f"{project} has no recording {recording!r}", "see the files of a dataset version"
        )
    if as_json:
        print_json(told)
        return
    table = Table("at", "label", "source", "author", "set", "note")
    for word in told:
        names = ("at", "label", "source", "author", "set", "note")
        table.add_row(*(rich_text(word.get(name, "")) for name in names))
    terminal().print(table)


def _tell(content: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(content)
    else:
        terminal().print(f"published {content['uri']}", soft_wrap=True, markup=False)
