"""`tinyops data`: check recordings, hand them in, see what became of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.table import Table

from tinyops.cli.data_download import download
from tinyops.cli.data_import import import_files
from tinyops.cli.data_versions import diff, show
from tinyops.cli.files import existing_file
from tinyops.cli.output import print_json, terminal
from tinyops.cli.upkeep import forget, retention
from tinyops.printable import rich_text

data_app = typer.Typer(help="Recordings, the quality gate and dataset versions.")
data_app.command("import")(import_files)
data_app.command()(download)
data_app.command()(show)
data_app.command()(diff)
data_app.command()(retention)
data_app.command()(forget)

ProjectName = Annotated[str, typer.Option("--project", "-p", help="A project's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@data_app.command()
def check(
    file: Annotated[
        Path, typer.Argument(parser=existing_file, help="A Parquet file of recordings.")
    ],
    project: ProjectName,
    as_json: AsJson = False,
) -> None:
    """Hold a file of recordings against the quality gate; needs no S3. Exit 1 if any is refused.

    Files in other formats become one by `tinyops data import --out`. Without S3 there is no dataset
    to compare with: what needs one is left out.
    """
    from dataclasses import asdict

    from tinyops.data.ingest.readable import require_readable
    from tinyops.data.quality.gate import check as gate
    from tinyops.data.recordings.parquet import read_rows
    from tinyops.data.recordings.schema import ParquetError
    from tinyops.projects import load_project

    with file.open("rb") as opened:
        if opened.read(4) != b"PAR1":
            raise ParquetError(
                f"{file.name}: is no Parquet file",
                f"make recordings of it: tinyops data import {file} -p {project} --machine NAME"
                " --out recordings.parquet",
            )
    require_readable(file)
    result = gate(read_rows(file), load_project(project), name=file.stem)
    if as_json:
        print_json(
            result.summary()
            | {
                "problems": list(result.problems),
                "refusals": [asdict(refusal) for refusal in result.refusals],
                "warned_of": [asdict(warning) for warning in result.warnings],
                "remarks": list(result.remarks),
            }
        )
    else:
        _show_refusals(result)
    if result.refused_rows or result.problems:
        raise typer.Exit(1)


@data_app.command()
def publish(
    project: ProjectName,
    batch_id: Annotated[str, typer.Option(help="Name of the batch; made up if absent.")] = "",
    file: Annotated[
        Path | None, typer.Option(parser=existing_file, help="A Parquet file; else the source.")
    ] = None,
    size: Annotated[Literal["small", "full"], typer.Option(help="How much to generate.")] = "small",
    seed: Annotated[int, typer.Option(help="Seed of a simulated source.")] = 1,
    number: Annotated[int, typer.Option(min=0, help="Which batch of the source: 0, 1, …")] = 0,
    note: Annotated[str, typer.Option(help="A line for whoever reads batch.json.")] = "",
    as_json: AsJson = False,
) -> None:
    """Hand in a batch: a file of recordings, or what the project's source gives."""
    from tinyops.data.ingest.batch import publish_batch
    from tinyops.data.recordings.parquet import read_recordings
    from tinyops.data.recordings.sources import source_for
    from tinyops.projects import load_project
    from tinyops.store import Store

    config = load_project(project)
    store = Store.from_env()
    if file is not None:
        name = batch_id or file.stem
        uri = publish_batch(store, config, name, read_recordings(file), note, source="file")
    else:
        name = batch_id or f"{config.source.kind}-s{seed}-n{number}-{size}"
        uri = publish_batch(
            store, config, name, source_for(config).recordings(seed, size, number), note
        )
    if as_json:
        print_json({"batch": name, "uri": uri})
    else:
        terminal().print(f"published {uri}", soft_wrap=True, markup=False)


@data_app.command()
def log(project: ProjectName, as_json: AsJson = False) -> None:
    """Dataset versions, newest first, and what became of each batch and label set."""
    from tinyops.data.ingest.history import history
    from tinyops.projects import load_project
    from tinyops.store import Store

    found = history(Store.from_env(), load_project(project))
    if as_json:
        print_json(found)
        return
    console = terminal()
    parts = ("train", "validation", "test")
    versions = Table("version", "created", "recordings", *parts, "relabelled", "batches", "removed")
    for version in found["versions"]:
        counts = version["by_part"]
        versions.add_row(
            rich_text(version["version"]),
            version["created_at"][:19],
            str(sum(counts.values())),
            *(str(counts.get(part, 0)) for part in parts),
            str(version["relabelled"]),
            rich_text(", ".join(version["batches"]))
            + (" (simulated)" if version["simulated"] else ""),
            rich_text(removed(version)),
        )
    console.print(versions)
    if found["versions"] and (unfit := found["versions"][0]["unfit"]):
        name = found["versions"][0]["version"]
        console.print(f"{name} is unfit to train on: {unfit}", markup=False, soft_wrap=True)
    for kind, rows in (("batch", found["batches"]), ("labels", found["labels"])):
        table = Table(kind, "status", "dataset", "reason")
        for row in rows:
            table.add_row(*(rich_text(row[key]) for key in (kind, "status", "dataset", "reason")))
        if rows:
            console.print(table)


def removed(version: dict[str, Any]) -> str:
    """What is no longer there of a version, in a few words; "" where all is."""
    if version["removed"]:
        return str(version["removed"])
    return f"{version['forgotten']} recordings forgotten" if version["forgotten"] else ""


def _show_refusals(result: Any) -> None:
    console = terminal()
    for head, found in (("refused", result.refusals), ("warning", result.warnings)):
        table = Table("row", head, "why", "what to do")
        for one in found:
            table.add_row(
                str(one.row),
                rich_text(one.recording_id),
                "\n".join(map(rich_text, one.reasons)),
                "\n".join(map(rich_text, one.fixes)),
            )
        if found:
            console.print(table)
    for problem in result.problems:
        console.print(problem, markup=False)
    for remark in result.remarks:
        console.print(f"warning: {remark}", markup=False)
    summary = result.summary()
    warned = f", {summary['warned']} of them with warnings" if summary["warned"] else ""
    console.print(f"{summary['accepted']} of {summary['recordings']} recordings are good{warned}")
