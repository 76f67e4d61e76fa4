"""Requests for labels as pages of Airflow's web server: seen, answered, and kept from others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.airflow_runs import AirflowProcess
from tests.support.checkout import ROOT
from tests.support.label_requests import request_labels
from tests.support.pages.pages import Page, ask
from tinyops.data.datasets.dataset import current_version, open_dataset
from tinyops.data.ingest.answers import answers_on_their_way
from tinyops.data.ingest.batch import publish_batch
from tinyops.data.ingest.inbox import outstanding_batches
from tinyops.data.ingest.ingest import ingest_batch
from tinyops.data.ingest.relabel import apply_labels, outstanding_labels
from tinyops.data.labels.label_request import open_requests
from tinyops.data.labels.labels import label_history
from tinyops.data.recordings import write_recordings
from tinyops.data.recordings.sources import generate
from tinyops.projects import Project, load_project
from tinyops.store import Store, layout

pytestmark = pytest.mark.slow

NAME, OTHER = "motor_health", "exercise_watch"
HOST = {"origin": "http://testserver"}
BALL, NORMAL = "sim1_m0001_ball", "sim1_m0002_normal"
LIST = "/tinyops/labels/"
CONCEPT, DATA, LOOK = (f"/tinyops/labels/motor_health/{name}" for name in ("r1", "r2", "r3"))


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project("motor_health")


@pytest.fixture(scope="module")
def store(module_store: Store, project: Project) -> Store:
    """A dataset, and a request of each kind."""
    publish_batch(module_store, project, "b1", recordings(project, 1))
    assert ingest_batch(module_store, project, "b1")["status"] == "accepted"
    request_labels(module_store, NAME, "r1", "concept drift", recordings=(BALL, NORMAL, "gone"))
    request_labels(module_store, NAME, "r2", "data drift", about=30)
    request_labels(module_store, NAME, "r3", "look", device="<b>pump")
    module_store.put_json(layout.label_request(OTHER, "broken"), {"id": "broken"})
    return module_store


def recordings(project: Project, seed: int) -> Any:
    seconds = project.signal.window / project.signal.rate_hz
    return generate(project, seed, machines=24, seconds=seconds)


@pytest.fixture(scope="module")
def foreign(project: Project, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A CSV of one window, as a data logger writes it."""
    recording = next(iter(recordings(project, 2)))
    rows = [",".join(f"{value:.4f}" for value in sample) for sample in recording.signal.T]
    return "\n".join([",".join(project.signal.channels), *rows]) + "\n"


@pytest.fixture(scope="module")
def pages(
    airflow: AirflowProcess,
    store: Store,
    project: Project,
    foreign: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Page]:
    """Every question of this file, asked in one process: to start Airflow costs seconds."""
    version = current_version(store, project)
    signal = f"/tinyops/labels/motor_health/{version}/signal.png?recording="
    viewer, user = {"role": "viewer"}, {"role": "user"}
    chosen = {f"label:{BALL}": "normal", f"label:{NORMAL}": "", "note": "<i>bench"}
    post: dict[str, Any] = {"method": "POST", "headers": HOST}
    labels = post | {"path": f"{CONCEPT}/labels", "data": chosen | {"source": "work_order"}}
    said = {"machine": "new", "label": "ball", "recorded_at": "2026-01-31T12:00:00Z"}
    said |= {"rate_hz": str(project.signal.rate_hz), "unit": project.signal.unit, "gain": ""}
    files = post | {"path": f"{DATA}/recordings", "files": [["files", "C:\\x\\w.csv", foreign]]}
    table = f"recording_id,label\n{NORMAL},ball\n"
    questions = {
        "list, nobody": {"path": LIST},
        "list": viewer | {"path": LIST},
        "concept": user | {"path": CONCEPT},
        "concept, viewer": viewer | {"path": CONCEPT},
        "look": user | {"path": LOOK},
        "absent": user | {"path": "/tinyops/labels/motor_health/r9"},
        "broken": user | {"path": f"{LIST}{OTHER}/broken"},
        "no project": user | {"path": "/tinyops/labels/nothing/r1"},
        "climbing": user | {"path": "/tinyops/labels/motor_health/..%2Fr1"},
        "file": viewer | {"path": f"{CONCEPT}/labels.csv"},
        "picture": viewer | {"path": signal + BALL},
        "picture, nobody": {"path": signal + BALL},
        "no picture": viewer | {"path": signal + "nothing"},
        "post, nobody": labels,
        "post, viewer": viewer | labels,
        "post, from elsewhere": user | labels | {"headers": {"origin": "http://evil.example"}},
        "post, from nowhere": user | labels | {"headers": {}},
        "nothing chosen": user | labels | {"data": {f"label:{BALL}": ""}},
        "unknown class": user | labels | {"data": {f"label:{BALL}": "purple"}},
        "unknown source": user | labels | {"data": chosen | {"source": "audit"}},
        "no recording": user | labels | {"data": {"label:": "ball"}},
        "huge table": user
        | post
        | {"path": f"{CONCEPT}/file", "files": [["file", "l.csv", "x" * (17 << 20)]]},
        "labels of data": user | labels | {"path": f"{DATA}/labels"},
        "bad table": user | post | {"path": f"{CONCEPT}/file", "files": [["file", "a", "x\n1"]]},
        "no files": user | files | {"files": [], "data": said},
        "unknown kind": user | files | {"files": [["files", "a.exe", "MZ"]], "data": said},
        "one name twice": user
        | files
        | {"files": [["files", "a.csv", "1"], ["files", "b/a.csv", "2"]], "data": said},
        "no number": user | files | {"data": said | {"rate_hz": "fast"}},
        "no machine": user | files | {"data": said | {"machine": ""}},
        "too large": user | files | {"data": said, "headers": HOST | {"content-length": "9" * 12}},
        "no length": user | files | {"data": said, "headers": HOST | {"content-length": "x"}},
        "labels": user | labels,
        "table": user | post | {"path": f"{CONCEPT}/file", "files": [["file", "l.csv", table]]},
        "files": user | files | {"data": said},
        "files again": user | files | {"data": said},
        "concept, handed in": user | {"path": CONCEPT},
        "list, handed in": viewer | {"path": LIST},
    }
    folder = tmp_path_factory.mktemp("web")
    answers = ask(airflow, store, folder, list(questions.values()))
    return dict(zip(questions, answers, strict=True))


@pytest.mark.timeout(600)
def test_who_is_signed_in_sees_what_is_asked_for(pages: dict[str, Page]) -> None:
    assert pages["list, nobody"].status == pages["picture, nobody"].status == 401
    text = pages["list"].text
    assert all(f'href="motor_health/{one}"' in text for one in ("r1", "r2", "r3"))
    assert "&lt;b&gt;pump" in text
    assert "<b>pump" not in text + pages["look"].text
    assert "nothing to label" in pages["look"].text
    for page in ("list", "concept"):
        assert pages[page].headers["content-security-policy"].startswith("default-src 'none'")
        assert "script" not in pages[page].text
    assert {pages[one].status for one in ("absent", "no project", "climbing")} <= {400, 404}


def test_a_request_shows_its_recordings_and_offers_classes(
    pages: dict[str, Page], project: Project
) -> None:
    text = pages["concept"].text
    assert text.count("<img ") == 2, "the third is in no dataset version"
    assert text.count(f'name="label:{BALL}"') == len(project.labels) + 1
    assert pages["picture"].status == 200
    assert pages["picture"].headers["content-type"] == "image/png"
    assert pages["no picture"].status == 404
    table = pages["file"].text.splitlines()
    assert table[0] == "recording_id,current_label,predicted_label,label,note"
    assert [row.split(",")[:2] for row in table[1:]] == [
        [BALL, "ball"],
        [NORMAL, "normal"],
        ["gone", ""],
    ]
    assert 'type="submit"' not in pages["concept, viewer"].text


def test_a_request_that_cannot_be_read_hides_no_others(pages: dict[str, Page]) -> None:
    for page in ("list", "broken"):
        assert "request broken of exercise_watch" in pages[page].text
        assert "labels/requests/broken.json; monitor asks again" in pages[page].text
    assert pages["broken"].status == 404


def test_what_is_too_large_is_not_even_read(pages: dict[str, Page]) -> None:
    assert pages["too large"].status == 413
    assert "512 MB" in pages["too large"].text
    assert pages["no length"].status == 411


def test_many_classes_are_a_list_and_many_recordings_a_file(project: Project) -> None:
    from types import SimpleNamespace

    from jinja2 import Environment, FileSystemLoader

    folder = ROOT / "plugins" / "tinyops_pages" / "templates"
    template = Environment(loader=FileSystemLoader(folder), autoescape=True).get_template(
        "labels_form.html"
    )
    row = SimpleNamespace(recording_id="a&b", machine_id="m", recorded_at="2026", seconds=1.0)
    row.conditions, row.label = {}, "ball"
    text = template.render(
        asked={"id": "r1"},
        project=project,
        recordings=[row],
        count=1152,
        version="v1",
        classes_beside=False,
        allowed=True,
    )
    assert text.count('<select name="label:a&amp;b">') == 1
    assert 'type="radio"' not in text
    assert "first 1 of 1152" in text
    assert "signal.png?recording=a%26b" in text


def test_others_answer_nothing(pages: dict[str, Page]) -> None:
    assert pages["post, nobody"].status == 401
    for page in ("post, viewer", "post, from elsewhere", "post, from nowhere"):
        assert pages[page].status == 403, page


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("nothing chosen", "no label was chosen"),
        ("no recording", "no label was chosen"),
        ("huge table", "a file of labels is smaller"),
        ("unknown class", "unknown class"),
        ("unknown source", "labels cannot come from"),
        ("labels of data", "asks for new recordings"),
        ("bad table", "column recording_id is missing"),
        ("no files", "no file was chosen"),
        ("unknown kind", "unknown kind of file"),
        ("one name twice", "two files are called a.csv"),
        ("no number", "is no number"),
        ("no machine", "machine"),
    ],
)
def test_what_is_wrong_is_said_on_the_page(pages: dict[str, Page], page: str, says: str) -> None:
    assert pages[page].status == 400
    assert says in pages[page].text
    assert "<h1>" in pages[page].text


@pytest.mark.timeout(600)
def test_answers_are_taken_in_as_any_other(
    pages: dict[str, Page], store: Store, project: Project
) -> None:
    for page in ("labels", "table", "files", "files again"):
        assert pages[page].status == 303, pages[page].text
    assert "Handed in as labels" in pages["concept, handed in"].text
    assert pages["list, handed in"].text.count("handed in") == 2
    assert set(answers_on_their_way(store, project)) == {"r1", "r2"}

    [batch] = outstanding_batches(store, project)
    told = ingest_batch(store, project, batch)
    assert told["status"] == "accepted", told
    for name in outstanding_labels(store, project):
        assert apply_labels(store, project, name)["status"] == "applied"
    assert [one.id for one in open_requests(store, project)] == ["r3"]
    assert answers_on_their_way(store, project) == {}
    dataset = open_dataset(store, project, str(current_version(store, project)))
    labels = {row.recording_id: row.label for row in dataset.index()}
    assert (labels[BALL], labels[NORMAL], labels["w"]) == ("normal", "ball", "ball")
    word = label_history(store, dataset, BALL)[-1]
    assert (word["author"], word["source"], word["note"]) == ("ada", "work_order", "<i>bench")


def test_recordings_of_our_own_say_everything_themselves(
    store: Store, project: Project, tmp_path: Path
) -> None:
    from tinyops.data.ingest.answers import answer_with_files
    from tinyops.data.recordings.importers import Description

    request_labels(store, NAME, "r4", "data drift")
    path = tmp_path / "more.parquet"
    renamed = (replace(one, recording_id=f"x-{one.recording_id}") for one in recordings(project, 3))
    write_recordings(path, renamed)
    told = answer_with_files(store, project, "r4", [path], Description(machine="-"), by="ada")
    done = ingest_batch(store, project, told["batch"])
    assert (done["status"], done["refused"]) == ("accepted", 0), done
    assert "r4" not in [one.id for one in open_requests(store, project)]
