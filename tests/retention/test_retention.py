"""Retention removes what project.yaml lets go, and nothing that anything needs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from tests.support.frame_makers import record, send
from tests.support.label_requests import request_labels
from tests.support.power_cut import CutStore, PowerCut
from tests.support.prepared_buckets import Prepared
from tests.support.retention.project_house import (
    NAME,
    PROJECT,
    candidate,
    champion,
    fleet,
    gateway,
    ingested,
    label,
    release,
    take_in,
)
from tinyops.cli.data import data_app
from tinyops.data.datasets.dataset import DatasetError, current_version, open_dataset, read_manifest
from tinyops.data.ingest.batch import publish_batch
from tinyops.data.ingest.history import history
from tinyops.data.ingest.ingest import ingest_batch, outstanding_batches
from tinyops.data.ingest.upkeep import outstanding_requests
from tinyops.data.recordings import Recording
from tinyops.lineage.find import find
from tinyops.lineage.records import Records
from tinyops.lineage.trace import trace
from tinyops.monitoring.frame_inbox import FrameFile, outstanding_frames
from tinyops.monitoring.table import Row, replace_table
from tinyops.projects import Project
from tinyops.projects.retention_section import Keep, Retention
from tinyops.retention.carry_out import carry_out_all, look_daily
from tinyops.retention.expired import LARGEST_EVENT
from tinyops.retention.retention import apply_retention, plan_retention
from tinyops.store import Consumer, Receipt, ReportKind, Store, edge_layout, layout, receipts
from tinyops.training.pipeline import outstanding_dataset

pytestmark = pytest.mark.slow

LATER = datetime.now(UTC) + timedelta(days=40)


CLASSES = sorted(set(Keep.model_fields) - {"dataset_versions"})


def keeping(**days: float | None) -> Project:
    return PROJECT.model_copy(update={"retention": Retention(keep=Keep.model_validate(days))})


def names(project: Project, store: Store, kind: str = "") -> list[str]:
    plan = plan_retention(store, project, LATER)
    return [item.name for item in plan.items if kind in ("", item.kind)]


def keys(store: Store) -> set[str]:
    return {row.key for row in store.objects(layout.project(NAME))}


def live(store: Store) -> list[str]:
    """Five versions: the second was released, the fourth is the newest candidate's.

    Returns the versions.
    """
    bad = [Recording(**{**vars(one), "label": "cage"}) for one in fleet("bad", range(1))]
    versions = [take_in(store, "b0", [*fleet("b0", range(12)), *bad])]
    versions.append(take_in(store, "b1", fleet("b1", range(2))))
    versions.append(label(store, "b0-m0-ball", "normal")[1])
    versions.append(take_in(store, "b2", fleet("b2", range(2))))
    candidate(store, "run-1", versions[1])
    release(store, "run-1", versions[1])
    champion(store, "run-1")
    candidate(store, "run-0", versions[0], status="worse")
    candidate(store, "run-2", versions[3])
    gateway(store, "line-3", {"d0": "run-1"})
    versions.append(take_in(store, "b3", fleet("b3", range(2))))
    publish_batch(store, PROJECT, "waiting", fleet("b4", range(2)))
    store.put_json(layout.predictions_summary(NAME, versions[0], "run-1"), {})
    for name in ("open", "old"):
        store.put_json(layout.verdict(NAME, name), {"device": "d0"})
    request_labels(store, NAME, "r1", verdict="open")
    return versions


@pytest.fixture
def life(prepared: Prepared) -> tuple[Store, list[str]]:
    """A life of which every test gets the same bucket, as it was."""
    return prepared(live)


@pytest.fixture
def small(prepared: Prepared) -> Store:
    """One version of three machines."""
    return prepared(ingested)[0]


def test_by_default_nothing_goes(life: tuple[Store, list[str]]) -> None:
    assert plan_retention(life[0], PROJECT, LATER).items == ()


def test_what_is_young_stays(life: tuple[Store, list[str]]) -> None:
    assert names(keeping(**dict.fromkeys(CLASSES, 41.0)), life[0]) == []


@pytest.mark.parametrize(
    ("days", "kind", "gone"),
    [
        ("incoming_days", "incoming", ["b0", "b1", "b2", "b3"]),
        ("quarantine_days", "quarantine", ["b0"]),
        ("candidates_days", "candidate", ["run-0"]),
    ],
)
def test_of_each_class_what_nothing_needs(
    life: tuple[Store, list[str]], days: str, kind: str, gone: list[str]
) -> None:
    project = keeping(**{days: 39})
    assert names(project, life[0]) == names(project, life[0], kind) == gone


def test_a_gateway_that_lists_anothers_device_frees_nothing(
    life: tuple[Store, list[str]],
) -> None:
    store, project = life[0], keeping(candidates_days=39)
    gateway(store, "line-4", {"d9": "run-0"})
    assert names(project, store) == []
    gateway(store, "zz", {"d9": ""})
    assert names(project, store) == []


def test_versions_that_are_needed_or_new_stay(life: tuple[Store, list[str]]) -> None:
    store, (first, _, relabelled, _, _) = life
    assert names(keeping(datasets_days=30), store, "dataset") == [relabelled, first]
    # All data files are shared with later versions, and so are the labels.
    assert names(keeping(datasets_days=30), store, "dataset file") == []
    assert names(keeping(datasets_days=30, dataset_versions=4), store) == [first]
    assert names(keeping(datasets_days=30, dataset_versions=9), store) == []


def test_reports_of_open_requests_and_of_removals_stay(life: tuple[Store, list[str]]) -> None:
    store, versions = life
    gone = names(keeping(reports_days=30, predictions_days=30), store)
    assert {"verdict/old", "data-docs/b0", f"{versions[0]}/run-1"} <= set(gone)
    assert "verdict/open" not in gone
    assert not any(name.startswith("retention/") for name in gone)


def test_frames_that_were_judged_go_and_others_stay(store: Store) -> None:
    days = [f"{LATER - timedelta(days=back):%Y-%m-%d}" for back in (35, 34, 5)]
    files = [send(store, [record()], date=day) for day in days]
    for file in (files[0], files[2]):
        receipts.write(store, NAME, Receipt(Consumer.MONITOR, file.id, "done"))
    # Verdicts look back a week, whatever the project says.
    assert names(keeping(frames_days=1), store) == [days[0]]
    apply_retention(store, keeping(frames_days=1), "r", LATER)
    assert not store.exists(files[0].key(NAME))
    assert store.exists(files[1].key(NAME))


@pytest.mark.parametrize("day_first", [True, False])
def test_frames_that_were_not_judged_stay_whatever_their_ids_look_like(
    store: Store, monkeypatch: pytest.MonkeyPatch, day_first: bool
) -> None:
    days = [f"{LATER - timedelta(days=back):%Y-%m-%d}" for back in (36, 35)]
    judged, waiting = (send(store, [record()], date=day) for day in days)
    astray = layout.frames(NAME, days[0]) + "lost.bin.zst"
    store.put(astray, b"?")

    def another(file: FrameFile) -> str:
        names = (file.date, file.gateway) if day_first else (file.gateway, file.date)
        return "=".join((*names, str(file.seq)))

    monkeypatch.setattr(FrameFile, "id", property(another))
    monkeypatch.setattr(FrameFile, "ids_begin", staticmethod(lambda date: date * day_first))
    receipts.write(store, NAME, Receipt(Consumer.MONITOR, judged.id, "done"))
    assert outstanding_frames(store, NAME) == [waiting.id]
    apply_retention(store, keeping(frames_days=1), "r", LATER)
    assert not store.exists(judged.key(NAME))
    assert store.exists(waiting.key(NAME))
    assert store.exists(astray)


def test_old_events_go_and_those_of_other_projects_stay(store: Store) -> None:
    contents: dict[str, bytes] = {
        "own": json.dumps({"project": NAME}).encode(),
        "gateways": json.dumps({"project": ""}).encode(),
        "stranger": json.dumps({"project": "nobody's"}).encode(),
        "null": b"null",
        "list": b"[]",
        "brackets": b"[" * 100_000,
        "number": b'{"project": 7}',
        "no-utf-8": b"\xff",
        "large": b'{"project": "exercise_watch", "detail": "' + b"x" * LARGEST_EVENT + b'"}',
        "other": json.dumps({"project": "exercise_watch"}).encode(),
    }
    for name, content in contents.items():
        store.put(edge_layout.gateway_event("line-3", name), content)
    store.put(edge_layout.GATEWAYS + "a b/events/e1.json", b"{}")
    store.put_json(edge_layout.gateway_status("line-3"), {})
    assert names(keeping(), store) == [], "180 days unless stated"
    late = datetime.now(UTC) + timedelta(days=181)
    [item] = plan_retention(store, keeping(), late).items
    assert (item.kind, item.name, len(item.keys)) == ("events", "line-3", len(contents) - 1)
    assert plan_retention(store, keeping(events_days=None), late).items == ()
    apply_retention(store, keeping(events_days=30), "r", LATER)
    left = {row.key for row in store.objects(edge_layout.gateway("line-3"))}
    assert left == {
        edge_layout.gateway_event("line-3", "other"),
        edge_layout.gateway_status("line-3"),
    }


def test_tables_of_frames_go_with_their_files(store: Store) -> None:
    days = [f"{LATER - timedelta(days=back):%Y-%m-%d}" for back in (35, 5)]
    for day in days:
        replace_table(store, NAME, day, "line-3", [Row(record(), FrameFile(day, "line-3", 1).id)])
    assert names(keeping(frames_days=1), store, "frame tables") == [days[0]]


def test_files_that_no_version_names_go_after_a_day(store: Store) -> None:
    take_in(store, "b0", fleet("b0", range(4)))
    _, corrected = label(store, "b0-m0-ball", "inner_race")
    label(store, "b0-m0-ball", "ball")
    # Labels that only one version had, and an upload whose manifest never came.
    lone = read_manifest(store, PROJECT, corrected)["relabelled"]["key"]
    orphan = layout.dataset_file(NAME, "ab" * 32)
    store.put(orphan, b"recordings")
    project = keeping(datasets_days=30)
    plan = plan_retention(store, project, LATER)
    assert {lone, orphan} <= {key for item in plan.items for key in item.keys}
    now = plan_retention(store, project, datetime.now(UTC))
    assert now.items == (), "young ones may belong to a manifest that is about to come"
    apply_retention(store, project, "r", LATER)
    assert not store.exists(lone)
    assert not store.exists(orphan)
    assert plan_retention(store, project, LATER).items == ()


def test_all_classes_cut_off_now_and_then(life: tuple[Store, list[str]]) -> None:
    store, versions = life
    project = keeping(**dict.fromkeys(CLASSES, 30.0))
    planned = plan_retention(store, project, LATER)
    cut = CutStore(store, every=3)
    while True:
        try:
            report = apply_retention(cut, project, "r", LATER)
            break
        except PowerCut:
            for name in Records(store, NAME).versions:
                manifest = read_manifest(store, PROJECT, name)
                assert all(store.exists(file["key"]) for file in manifest["files"])
    assert cut.died > 2
    content = store.get_json(layout.removal(NAME, ReportKind.RETENTION, "r"))
    assert content["state"] == "done"
    assert {item["name"] for item in content["items"]} == {item.name for item in planned.items}
    assert report["bytes"] == sum(report["bytes_by_kind"].values()) == planned.bytes
    assert plan_retention(store, project, LATER).items == ()

    # What is needed reads to its end; what went says so, to whoever opens it or looks back.
    first, released, _, newest_candidate, current = versions
    for version in (released, newest_candidate, current):
        dataset = open_dataset(store, PROJECT, version)
        assert len(dataset.index()) == sum(1 for _ in dataset.recordings())
    with pytest.raises(DatasetError, match="were removed: older than 30 days"):
        open_dataset(store, PROJECT, first)
    told = {one["version"]: one for one in history(store, PROJECT)["versions"]}
    assert list(told) == versions[::-1]
    assert [bool(told[name]["removed"]) for name in versions] == [True, False, True, False, False]
    root = trace(find([Records(store, NAME)], "b0-m0-ball"))
    assert root.names("candidate") == ["run-1", "run-2"]

    # What was handled stays handled.
    assert outstanding_batches(store, PROJECT) == ["waiting"]
    assert current_version(store, PROJECT) == outstanding_dataset(store, PROJECT) == current
    assert ingest_batch(store, PROJECT, "b0")["accepted"] == 48
    assert ingest_batch(store, PROJECT, "waiting")["status"] == "accepted"
    assert store.get_json(layout.quarantine_reason(NAME, "b0"))["refused"] == 4
    assert list(store.objects(layout.label_sets(NAME))) == []
    assert len(list(store.objects(layout.accepted_labels(NAME)))) == 1
    assert list(store.get_json(layout.data_docs_runs(NAME))) == ["waiting"]
    assert not store.exists(layout.data_docs_page(NAME, "b0"))


def test_once_a_day_and_by_request(small: Store) -> None:
    store = small
    assert look_daily(store, PROJECT, LATER - timedelta(days=2)) is not None
    assert outstanding_requests(store, NAME) == []
    project = keeping(incoming_days=30)
    told = look_daily(store, project, LATER)
    assert told is not None
    assert [told["request"]] == outstanding_requests(store, NAME)
    assert look_daily(store, project, LATER + timedelta(hours=23)) is None
    again = look_daily(store, project, LATER + timedelta(hours=25))
    assert again is not None
    assert again["request"] == told["request"], "one that waits is not asked for twice"
    # It is carried out by the clock: nothing of it is a month old yet.
    report = carry_out_all(store, project)[told["request"]]
    assert report["objects"] == 0


def test_the_command(small: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store = small
    publish_batch(store, PROJECT, "waiting", fleet("b4", range(1)))
    words = ["retention", "-p", NAME]
    assert "everything is kept" in CliRunner().invoke(data_app, words).output
    project = keeping(incoming_days=1e-9)
    monkeypatch.setattr("tinyops.projects.load_project", lambda name: project)
    before = keys(store)
    told = json.loads(CliRunner().invoke(data_app, [*words, "--json"]).stdout)
    assert [item["name"] for item in told["items"]] == ["b0"]
    assert keys(store) == before
    assert "2 objects" in CliRunner().invoke(data_app, words).output
    done = CliRunner().invoke(data_app, [*words, "--apply", "--here", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["state"] == "done"
    assert not any(key.startswith(layout.incoming(NAME, "b0")) for key in keys(store))
    assert outstanding_batches(store, NAME) == ["waiting"]
