"""`tinyops data import`: foreign files become recordings, here or at ingest."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tinyops.cli.files import existing_file
from tinyops.cli.output import print_json, progress_bar, terminal

if TYPE_CHECKING:
    from tinyops.data.recordings.importers import Description
    from tinyops.data.recordings.recording import Recording
    from tinyops.projects import Project

PLACES = "{stem}, {folder}, {parent} stand for the file's name and folders"
BATCH = "Of a batch that is published: "


def import_files(
    files: Annotated[
        list[Path], typer.Argument(parser=existing_file, help="CSV, WAV, NPZ, MAT, …")
    ],
    project: Annotated[str, typer.Option("--project", "-p", help="A project's name.")],
    machine: Annotated[str, typer.Option(help=f"What was observed; {PLACES}.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Parquet file of recordings to write.")
    ] = None,
    publish: Annotated[
        str, typer.Option(metavar="BATCH", help="Hand the files in as this batch; ingest imports.")
    ] = "",
    label: Annotated[str | None, typer.Option(help=f"Class of the files; {PLACES}.")] = None,
    device: Annotated[str, typer.Option(help="Board; default: the file's, or the machine.")] = "",
    recording: Annotated[str, typer.Option(help=f"Id of the recording; {PLACES}.")] = "{stem}",
    channels: Annotated[
        str, typer.Option(help="The file's channels in the project's order: ax,ay,az.")
    ] = "",
    rate: Annotated[float | None, typer.Option(help="Hz, where the file does not say.")] = None,
    unit: Annotated[str, typer.Option(help="Unit of the file, where it does not say.")] = "",
    gain: Annotated[
        float | None, typer.Option(help="Project's units for 1 of the file (WAV: at full scale).")
    ] = None,
    offset: Annotated[float, typer.Option(help="Added after the gain.")] = 0.0,
    recorded_at: Annotated[
        str, typer.Option(help="ISO 8601 with a zone, or `file` for the file's own time.")
    ] = "",
    resample: Annotated[
        str, typer.Option(help="polyphase or linear, where the rate is another one.")
    ] = "",
    array: Annotated[str, typer.Option(help="Array in an NPZ or MAT file.")] = "",
    records: Annotated[
        bool, typer.Option(help="The array's first side counts records; columns fill {places}.")
    ] = False,
    join: Annotated[
        str, typer.Option(help="With --records: column whose value pieces of one capture share.")
    ] = "",
    scale: Annotated[
        str, typer.Option(help="With --records: column that a record's samples are multiplied by.")
    ] = "",
    named: Annotated[
        str, typer.Option(help="How names are made up, to fill {places}: {speaker}_{take}.")
    ] = "",
    time_column: Annotated[str, typer.Option(help="Column of times in a CSV or Parquet.")] = "",
    condition: Annotated[
        list[str] | None, typer.Option(help="What is known: load=2kW; repeatable.")
    ] = None,
    simulated: Annotated[bool, typer.Option(help=BATCH + "no sensor has seen it.")] = False,
    note: Annotated[str, typer.Option(help=BATCH + "a line for whoever reads batch.json.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Turn files into recordings of a project: into a file (--out), or at ingest (--publish).

    Units, channel order, rate and gain are stated, never guessed: what a file does not say is asked
    for, and what contradicts it is refused. With --out the file is written whole or not at all.
    With --publish the files themselves are handed in, and a bad one costs only itself.
    """
    from tinyops.data.recordings.importers.description import description_of
    from tinyops.projects import load_project

    said = description_of(
        {
            "machine": machine,
            "device": device,
            "label": label,
            "recording": recording,
            "channels": [name.strip() for name in channels.split(",") if name.strip()],
            "rate_hz": rate,
            "unit": unit,
            "gain": gain,
            "offset": offset,
            "recorded_at": recorded_at,
            "resample": _known_method(resample),
            "array": array,
            "records": records,
            "join": join,
            "scale": scale,
            "named": named,
            "time_column": time_column,
            "conditions": _conditions(condition or []),
        }
    )
    config = load_project(project)
    if (out is None) == (not publish):
        raise typer.BadParameter("give either --out FILE or --publish BATCH")
    if out is None:
        _publish(files, said, config, publish, note, simulated, as_json)
    else:
        _import(files, said, config, out, as_json)


def _publish(
    files: list[Path],
    said: Description,
    project: Project,
    batch: str,
    note: str,
    simulated: bool,
    as_json: bool,
) -> None:
    from tinyops.data.ingest.batch import publish_originals
    from tinyops.store import Store

    with progress_bar() as bar:
        uri = publish_originals(
            Store.from_env(),
            project,
            batch,
            files,
            said,
            simulated=simulated,
            note=note,
            track=lambda uploads: bar.track(uploads, description="uploading"),
        )
    if as_json:
        print_json({"batch": batch, "files": len(files), "uri": uri})
        return
    console = terminal()
    console.print(f"published {uri}", soft_wrap=True, markup=False)
    console.print(f"next: tinyops data log --project {project.name}", markup=False)


def _import(
    files: list[Path], said: Description, project: Project, out: Path, as_json: bool
) -> None:
    from tinyops.data.recordings.parquet import write_recordings

    part = out.with_name(out.name + ".part")
    try:
        count = write_recordings(part, _imported(files, said, project))
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    if as_json:
        print_json({"recordings": count, "files": len(files), "out": str(out)})
        return
    console = terminal()
    console.print(f"{count} recordings of {len(files)} files in {out}", markup=False)
    console.print(f"next: tinyops data check {out} --project {project.name}", markup=False)


def _imported(files: list[Path], said: Description, project: Project) -> Iterator[Recording]:
    from tinyops.data.recordings.importers import ImportRefused
    from tinyops.data.recordings.importers.confined import import_to
    from tinyops.data.recordings.parquet import read_recordings

    seen: dict[str, Path] = {}
    with tempfile.TemporaryDirectory(prefix="tinyops-import-") as folder, progress_bar() as bar:
        part = Path(folder) / "part.parquet"
        for path in bar.track(files, description="importing"):
            import_to(path, said, project, part)
            for recording in read_recordings(part):
                first = seen.setdefault(recording.recording_id, path)
                if first is not path:
                    raise ImportRefused(
                        f"{path} and {first} would both be recording {recording.recording_id!r}",
                        "tell them apart with --recording '{folder}-{stem}'",
                    )
                yield recording


def _known_method(name: str) -> str:
    from tinyops.data.recordings.importers.resample import METHODS

    if name and name not in METHODS:
        raise typer.BadParameter(f"{name!r} is not one of: {', '.join(METHODS)}")
    return name


def _conditions(texts: list[str]) -> dict[str, str]:
    pairs: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise typer.BadParameter(f"--condition {text!r} is not NAME=VALUE")
        pairs[name.strip()] = value.strip()
    return pairs
