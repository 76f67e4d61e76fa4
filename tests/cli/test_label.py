"""`tinyops label` and the simulated technician, against a real S3 server."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.support.label_requests import request_labels
from tinyops.cli.label import label_app
from tinyops.data.datasets.dataset import current_version, open_dataset
from tinyops.data.ingest.batch import publish_batch
from tinyops.data.ingest.ingest import ingest_batch
from tinyops.data.ingest.relabel import apply_labels, outstanding_labels
from tinyops.data.labels.label_request import open_requests
from tinyops.data.labels.label_set import LabelError
from tinyops.data.labels.labels import current_labels
from tinyops.data.recordings import write_recordings
from tinyops.data.recordings.sources import generate
from tinyops.demo import technician
from tinyops.errors import TinyOpsError
from tinyops.projects import Project, load_project
from tinyops.store import Store, layout

pytestmark = pytest.mark.slow

FIRST, SECOND, THIRD = "sim1_m0000_ball", "sim1_m0001_ball", "sim1_m0002_normal"


@pytest.fixture(scope="module")
def project() -> Project:
    """`motor_health`, which the commands know by its name."""
    return load_project("motor_health")


@pytest.fixture(scope="module")
def store(module_store: Store) -> Store:
    """One bucket for all: a batch takes seconds to be taken in."""
    return module_store


@pytest.fixture(scope="module")
def dataset(store: Store, project: Project) -> str:
    """The dataset version that labels are about."""
    seconds = project.signal.window / project.signal.rate_hz
    publish_batch(store, project, "b1", generate(project, 1, machines=24, seconds=seconds))
    told = ingest_batch(store, project, "b1")
    assert told["status"] == "accepted", told
    return str(told["dataset"])


def run(*arguments: str) -> str:
    done = CliRunner().invoke(label_app, [*arguments, "--project", "motor_health"])
    if done.exception is not None:
        raise done.exception
    return done.output


def told(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


def apply_all(store: Store, project: Project) -> dict[str, Any]:
    [name] = outstanding_labels(store, project)
    return apply_labels(store, project, name)


def test_a_label_is_corrected_and_both_words_are_kept(
    store: Store, project: Project, dataset: str
) -> None:
    assert "published s3://" in run("set", FIRST, "normal", "--author", "ada", "--note", "[bench]")
    assert apply_all(store, project)["status"] == "applied"
    words = told("history", FIRST)
    assert [(word["label"], word["author"]) for word in words] == [
        ("ball", "b1"),
        ("normal", "ada"),
    ]
    assert "[bench]" in run("history", FIRST)
    told("set", FIRST, "ball", "--source", "work_order")
    assert apply_all(store, project)["status"] == "applied"
    assert [word["source"] for word in told("history", FIRST)] == [
        "batch",
        "operator",
        "work_order",
    ]


def test_a_concept_request_is_answered_by_its_filled_template(
    store: Store, project: Project, dataset: str, tmp_path: Path
) -> None:
    assert run("requests").strip() == "nothing is asked for"
    request_labels(store, project.name, "r1", "concept drift", recordings=(FIRST, SECOND, THIRD))
    assert [one["id"] for one in told("requests")] == ["r1"]
    assert "[pump-7]" in run("requests")
    rows = list(csv.DictReader(io.StringIO(run("template", "r1"))))
    assert [(row["recording_id"], row["current_label"]) for row in rows] == [
        (FIRST, "ball"),
        (SECOND, "ball"),
        (THIRD, "normal"),
    ]
    # No candidate is there whose word could stand in it.
    assert {row["predicted_label"] for row in rows} == {""}
    path = tmp_path / "labels.csv"
    told("template", "r1", "--out", str(path))
    # One is filled in, in a spreadsheet that writes a mark at the beginning; the others are left.
    filled = path.read_text().replace(f"{FIRST},ball,,,", f"{FIRST},ball,,outer_race,worn")
    path.write_text(filled, encoding="utf-8-sig")
    answer = told("answer", "r1", "--file", str(path))
    assert (answer["count"], answer["request"]) == (1, "r1")
    assert apply_all(store, project)["accepted"] == 1
    word = current_labels(store, project)[FIRST]
    assert (word.label, word.request, word.note) == ("outer_race", "r1", "worn")
    assert open_requests(store, project) == []


def test_new_recordings_answer_data_drift(
    store: Store, project: Project, dataset: str, tmp_path: Path
) -> None:
    request_labels(store, project.name, "r2", "data drift")
    path = tmp_path / "new.parquet"
    write_recordings(path, generate(project, 2, machines=3, seconds=0.5))
    answer = told("answer", "r2", "--recordings", str(path))
    assert answer["batch"] == "answer-r2"
    assert ingest_batch(store, project, "answer-r2")["status"] == "accepted"
    assert open_requests(store, project) == []


def test_an_audit_is_evidence_only(
    store: Store, project: Project, dataset: str, tmp_path: Path
) -> None:
    path = tmp_path / "audit.csv"
    path.write_text(f"recording_id,label\n{THIRD},ball\n")
    before = current_version(store, project)
    told("audit", "--file", str(path))
    assert apply_all(store, project)["status"] == "unchanged"
    assert current_version(store, project) == before
    assert current_labels(store, project)[THIRD].label == "ball"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("answer", "r9", "--file", "CSV"), "no request 'r9'"),
        (("answer", "../x", "--file", "CSV"), "'../x'"),
        (("answer", "e2", "--file", "CSV"), "it asks for new recordings"),
        (("answer", "e3", "--file", "CSV"), "a look at the device"),
        (("template", "e2"), "it asks for new recordings"),
        (("set", "x", "ball"), "unknown recording; nothing was published"),
        (("set", FIRST, "cage"), "unknown class"),
        (("audit", "--file", "CSV"), "contradictory"),
        (("history", "x"), "no recording 'x'"),
    ],
)
def test_errors_name_the_thing(
    store: Store,
    project: Project,
    dataset: str,
    tmp_path: Path,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    request_labels(store, project.name, "e2", "data drift")
    request_labels(store, project.name, "e3", "look")
    path = tmp_path / "some.csv"
    path.write_text(f"recording_id,label\n{FIRST},ball\n{FIRST},normal\n")
    with pytest.raises(TinyOpsError, match=said.replace(".", r"\.")):
        run(*(str(path) if one == "CSV" else one for one in arguments))
    assert outstanding_labels(store, project) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "column recording_id is missing"),
        (b"recording;label\na;b\n", "unknown"),
        (b"recording_id,label\na\n", "line 2: another number of cells"),
        (b"recording_id,label\na,b,c\n", "line 2: another number of cells"),
        (b"recording_id,label\n,b\n", "line 2: recording_id is empty"),
        (b"recording_id,label\na,\n", "holds no label"),
        (b"recording_id,label\n\xff,b\n", "UTF-8"),
        (b'recording_id,label\n"a,b\n', "CSV"),
    ],
)
def test_files_that_are_wrong_are_named(tmp_path: Path, text: bytes, said: str) -> None:
    from tinyops.data.labels.label_file import read_label_file

    path = tmp_path / "some.csv"
    path.write_bytes(text)
    with pytest.raises(LabelError, match=said) as raised:
        read_label_file(path)
    assert "some.csv" in raised.value.message


def test_the_simulated_technician_says_that_he_is(
    store: Store, project: Project, dataset: str
) -> None:
    one, other = technician.exchanged(project)
    assert (one, other) == ("outer_race", "ball")
    request = request_labels(store, project.name, "t1", "data drift")
    batch = technician.answer_data_drift(store, project, request)
    assert technician.answer_data_drift(store, project, request) == batch
    assert ingest_batch(store, project, batch)["status"] == "accepted"
    content = store.get_json(layout.batch_ready(project.name, batch))
    assert (content["request"], content["note"]) == ("t1", "simulated technician")

    name = technician.audit_new_meaning(store, project, 40)
    assert apply_labels(store, project, name)["status"] == "unchanged"
    opened = open_dataset(store, project, str(current_version(store, project)))
    rows = {row.recording_id: row for row in opened.index()}
    audited = [word for word in current_labels(store, project).values() if word.set_id == name]
    assert len(audited) == 40
    meaning = {"outer_race": "ball", "ball": "outer_race"}
    for word in audited:
        row = rows[word.recording_id]
        assert opened.part_of(row) != "train"
        assert word.label == meaning.get(row.label, row.label)
        assert "simulated" in word.author
        assert "simulated" in word.note

    asked = tuple(row.recording_id for row in rows.values() if row.label in meaning)
    request = request_labels(store, project.name, "t2", "concept drift", recordings=asked)
    done = apply_labels(store, project, technician.answer_concept_drift(store, project, request))
    assert (done["status"], done["accepted"]) == ("applied", len(asked))
    now = open_dataset(store, project, done["dataset"]).index()
    relabelled = {row.recording_id: row.label for row in now}
    assert {name: relabelled[name] for name in asked} == {
        name: meaning[rows[name].label] for name in asked
    }
    assert not {"t1", "t2"} & {one.id for one in open_requests(store, project)}
