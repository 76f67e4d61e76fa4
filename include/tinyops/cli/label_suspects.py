"""`tinyops label suspects`: labels that a model which has not seen them does not believe."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from tinyops.cli.labelling import open_project
from tinyops.cli.output import print_json, terminal
from tinyops.printable import rich_text

if TYPE_CHECKING:
    from tinyops.training.label_quality import LabelQuality

# Below it at least one recording in five would be doubted whatever its label.
KNOWS = 0.8


def suspects(
    project: Annotated[str, typer.Option("--project", "-p", help="A project's name.")],
    top: Annotated[int, typer.Option(min=1, help="How many to show.")] = 20,
    out: Annotated[
        Path | None, typer.Option(help="CSV to look through and hand in by `tinyops label apply`.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of folds and trees.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Rank recordings by how likely their label is wrong (confident learning).

    Nothing is changed: a person looks at them, listens to the machine, and corrects.
    """
    from tinyops.data.ingest.answers import newest_dataset
    from tinyops.data.labels.label_file import write_template
    from tinyops.frontend import from_project
    from tinyops.training.feature_cache import windows_at
    from tinyops.training.label_quality import label_quality

    store, config = open_project(project)
    dataset = newest_dataset(store, config)
    console = terminal(stderr=as_json)
    with console.status("cutting windows") as status:
        # All parts: a wrong label does its harm in the test part too.
        frontend = from_project(config.frontend, config.signal)
        windows = windows_at(dataset, config, frontend, {"all": config.signal.hop})["all"]
        found = label_quality(windows, config.labels, seed, say=status.update)
    shown = found.suspects[:top]
    if out is not None:
        with out.open("w", encoding="utf-8", newline="") as file:
            write_template(file, [(one.recording, one.label, one.suggested) for one in shown])
    if as_json:
        print_json(
            {
                "dataset": dataset.version,
                "recordings": len(found.suspects),
                "noise": round(found.noise, 4),
                "held_out": found.held_out,
                "agreement": round(found.agreement, 4),
                "joint": found.joint.round(2).tolist(),
                "labels": config.labels,
                "suspects": [asdict(one) for one in shown],
            }
        )
        return
    _show(console, found, top)
    if out is not None:
        console.print(f"fill in {out}, then: tinyops label apply {out} -p {project}", markup=False)


def _show(console: Console, found: LabelQuality, top: int) -> None:
    table = Table("recording", "group", "label", "looks like", "margin", "confident")
    for one in found.suspects[:top]:
        table.add_row(
            rich_text(one.recording),
            rich_text(one.group),
            rich_text(one.label),
            rich_text(one.suggested),
            f"{one.margin:+.2f}",
            "yes" if one.confident else "",
        )
    console.print(table)
    console.print(
        f"{sum(one.confident for one in found.suspects)} of {len(found.suspects)} recordings look "
        f"like another class, {found.noise:.1%} of labels are wrong by estimate; "
        f"{found.held_out} were kept apart while models learnt"
    )
    if found.agreement < KNOWS:
        console.print(
            f"[yellow]models agree with only {found.agreement:.0%} of the labels: they do not know "
            "these classes well, and what they doubt says little. More machines would help."
        )
