"""`tinyops label suspects`: from a dataset version to a file that is filled in and handed in."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tinyops.cli.label import label_app
from tinyops.data.ingest.batch import publish_batch
from tinyops.data.ingest.ingest import ingest_batch
from tinyops.data.ingest.relabel import apply_labels, outstanding_labels
from tinyops.data.labels.label_set import LabelError
from tinyops.data.recordings.sources import generate
from tinyops.projects import Project, load_project
from tinyops.store import Store

pytestmark = pytest.mark.slow

PROJECT = "motor_health"


@pytest.fixture
def project() -> Project:
    return load_project(PROJECT)


def relabel(store: Store, project: Project) -> dict[str, object]:
    [name] = outstanding_labels(store, project)
    return apply_labels(store, project, name)


def test_the_least_believed_come_first_and_their_file_is_handed_in(
    store: Store, project: Project, tmp_path: Path
) -> None:
    seconds = project.signal.window / project.signal.rate_hz
    publish_batch(store, project, "b1", generate(project, 1, machines=24, seconds=seconds))
    assert ingest_batch(store, project, "b1")["status"] == "accepted"

    out = tmp_path / "suspects.csv"
    wanted = ["suspects", "-p", PROJECT, "--top", "8", "--out", str(out), "--json"]
    done = CliRunner().invoke(label_app, wanted)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["recordings"], told["held_out"]) == (96, "groups")
    assert 0.5 < told["agreement"] < 1
    margins = [one["margin"] for one in told["suspects"]]
    assert margins == sorted(margins)
    assert all(one["label"] != one["suggested"] for one in told["suspects"])
    shown = CliRunner().invoke(label_app, ["suspects", "-p", PROJECT]).output
    assert "what they doubt says little" in " ".join(shown.split())

    rows = list(csv.DictReader(out.open()))
    assert [one["recording_id"] for one in rows] == [one["recording"] for one in told["suspects"]]
    for one in rows[:2]:
        one["label"] = one["predicted_label"]
    with out.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    done = CliRunner().invoke(label_app, ["apply", str(out), "-p", PROJECT])
    assert done.exit_code == 0, done.output
    assert relabel(store, project)["status"] == "applied"


def test_before_the_first_dataset_there_is_nothing_to_rank(store: Store) -> None:
    done = CliRunner().invoke(label_app, ["suspects", "-p", PROJECT])
    assert isinstance(done.exception, LabelError)
