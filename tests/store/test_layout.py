"""Keys: what comes from outside cannot climb out of its prefix; receipts say what is left to do."""

from __future__ import annotations

import ast
import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyops.errors import TinyOpsError
from tinyops.store import (
    Consumer,
    Pointer,
    Receipt,
    ReportKind,
    Store,
    content_id,
    edge_layout,
    layout,
    receipts,
)

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._=-]{0,30}", fullmatch=True).filter(layout.is_safe)


@pytest.mark.parametrize(
    "name", ["", "..", "../x", "a/b", "a..b", "/a", ".hidden", "a b", "ä", "a\n", "x" * 129]
)
def test_names_that_could_climb_are_refused(name: str) -> None:
    for build in (
        lambda: layout.quarantine("p", name),
        lambda: layout.quarantine(name, "b"),
        lambda: layout.receipt("p", Consumer.TRAIN, name),
        lambda: edge_layout.gateway_event("gw", name),
        lambda: layout.label_request("p", name),
        lambda: layout.label_set("p", name),
        lambda: layout.frames_object("p", "2026-01-01", f"x/{name}", 1),
        lambda: (
            edge_layout.tuf_target(f"p/{name}/image.bin", "ab")
            if "/" not in name
            else edge_layout.gateway("")
        ),
    ):
        with pytest.raises(TinyOpsError, match="cannot be part of an S3 key"):
            build()


@given(st.text(max_size=40))
def test_any_batch_name_stays_below_its_project(name: str) -> None:
    try:
        key = layout.batch_ready("project", name)
    except TinyOpsError:
        return
    assert key.startswith("project/incoming/")
    assert ".." not in key
    assert key.count("/") == (3 if name else 2)


def test_frames_lie_below_their_day_and_gateway_in_order() -> None:
    folder = layout.frames("p", "2026-01-31", "line-3")
    assert folder == "p/frames/date=2026-01-31/gateway=line-3/"
    assert layout.frames_object("p", "2026-01-31", "line-3", 7) == folder + "000000000007.bin.zst"
    table = layout.frames_table("p", "2026-01-31", "line-3", 7, 1234)
    day = "date=2026-01-31/gateway=line-3/"
    assert table == f"p/frame-tables/{day}000000000007-000000001234.parquet"
    assert table.startswith(layout.frame_tables("p", "2026-01-31", "line-3"))
    assert layout.is_frames_table("p", table)
    assert not layout.is_frames_table("p", folder + layout.file_name(table)), "where gateways write"
    assert not layout.is_frames_table("p", layout.frame_tables("p", "2026-01-31") + "x.parquet")
    assert folder.startswith(layout.frames("p", "2026-01-31"))
    assert layout.frames("p", "2026-01-31").startswith(layout.frames("p"))


def test_keys_are_what_docs_and_other_programs_rely_on() -> None:
    assert layout.pointer("p", Pointer.DATASET) == "p/current/dataset.json"
    assert layout.receipt("p", Consumer.INGEST, "b1") == "p/receipts/ingest/b1.json"
    assert layout.batch_ready("p", "b1") == "p/incoming/b1/batch.json"
    assert layout.batch_recordings("p", "b1") == "p/incoming/b1/recordings.parquet"
    assert layout.batch_file(2) == "recordings-00002.parquet"
    assert layout.quarantine_reason("p", "b1") == "p/quarantine/b1/reason.json"
    assert layout.labels_input("ab") == "labels-ab"
    assert layout.frames_input("f") == "frames-f"
    assert layout.dataset_manifest("p", "v") == "p/datasets/v/manifest.json"
    assert layout.dataset_file("p", "ab") == "p/datasets/files/ab.parquet"
    assert layout.label_set("p", "ab") == "p/labels/sets/ab.json"
    assert layout.label_request("p", "r") == "p/labels/requests/r.json"
    assert layout.request("p", "r") == "p/requests/r/request.json"
    assert layout.candidate_manifest("p", "r") == "p/candidates/r/candidate.json"
    assert layout.release_manifest("p", "v") == "p/releases/v/manifest.json"
    assert layout.release("p", "v") + layout.image_name("t") == "p/releases/v/t/image.bin"
    assert layout.predictions_summary("p", "d", "m") == "p/predictions/d/m/summary.json"
    assert layout.verdict("p", "v") == "p/reports/verdict/v/verdict.json"
    assert layout.data_docs_page("p", "b") == "p/reports/data-docs/b/index.html"
    assert layout.story("p", "d") == "p/reports/story/d/story.png"
    assert layout.removal("p", ReportKind.FORGET, "r") == "p/reports/forget/r/report.json"
    assert edge_layout.gateway_status("g") == "gateways/g/status.json"
    assert edge_layout.gateway_event("g", "e") == "gateways/g/events/e.json"
    assert edge_layout.tuf_metadata(edge_layout.TUF_TIMESTAMP) == "tuf/metadata/timestamp.json"
    assert edge_layout.tuf_version_name("snapshot", 7) == "7.snapshot.json"
    assert edge_layout.tuf_target("p/v/t/image.bin", "ab") == "tuf/targets/p/v/t/ab.image.bin"


@given(NAMES, st.integers(0, 10**12 - 1))
def test_what_was_built_is_taken_apart_again(name: str, number: int) -> None:
    for consumer in Consumer:
        assert layout.receipt_input("p", consumer, layout.receipt("p", consumer, name)) == name
    assert layout.request_id("p", layout.request("p", name)) == name
    assert layout.ready_batch("p", layout.batch_ready("p", name)) == name
    assert layout.batch_of("p", layout.batch_recordings("p", name)) == name
    assert layout.batch_of("p", layout.batch_original("p", name, "a/b.wav")) == name
    assert layout.dataset_file_sha256("p", layout.dataset_file("p", name)) == name
    assert layout.dataset_file_sha256("p", layout.dataset_labels("p", "ab")) is None
    assert layout.label_request_id("p", layout.label_request("p", name)) == name
    assert layout.label_set_id("p", layout.label_set("p", name)) == name
    assert layout.accepted_labels_id("p", layout.accepted_labels("p", name)) == name
    assert layout.label_set_id("p", layout.accepted_labels("p", name)) is None
    assert layout.frames_of_input(layout.frames_input(name)) == name
    assert layout.frames_of_input(layout.labels_input(name)) is None
    day, gateway = layout.frames("p", "2026-01-31"), layout.frames("p", "2026-01-31", name)
    found = layout.folder_below(layout.frames("p"), gateway)
    assert found is not None
    assert layout.frames_date(found) == "2026-01-31"
    found = layout.folder_below(day, gateway)
    assert found is not None
    assert layout.frames_gateway(found) == name
    key = layout.frames_object("p", "2026-01-31", name, number)
    assert layout.is_frames_object(key)
    assert layout.frames_object_parts("p", key) == ("2026-01-31", name, number)
    page = f"s3://bucket/{layout.data_docs_page('p', name)}"
    assert layout.report_path("p", ReportKind.DATA_DOCS, page) == f"{name}/{layout.PAGE}"
    assert layout.report_path("p", ReportKind.STORY, page) == ""
    assert layout.report_file("p", "data-docs", f"{name}/{layout.PAGE}") in page


def test_what_is_at_hand_is_named_by_what_it_is() -> None:
    assert layout.is_batch_file(layout.batch_file(1))
    assert layout.is_batch_file(layout.batch_file(31))
    assert layout.is_batch_file(layout.renewed_batch_file("0a" * 32))
    assert not layout.is_batch_file("recordings-of-mine.parquet")
    assert layout.can_name_recordings("mine.parquet")
    assert not layout.can_name_recordings("../mine.parquet")
    assert not layout.can_name_recordings(layout.READY)
    assert not layout.is_dataset(layout.file_name(layout.dataset_files("p").rstrip("/")))
    release = layout.release("p", "v")
    assert layout.holds_self_test(release + layout.image_name("t"))
    assert layout.holds_self_test(release + layout.unproven_image_name("t"))
    assert not layout.holds_self_test(release + layout.image_facts_name("t"))
    assert layout.is_json(release + layout.FIT)
    assert layout.is_text(layout.candidate("p", "r") + layout.CARD)
    assert layout.is_page(layout.data_docs_list("p"))


@pytest.mark.parametrize("name", ["", "a b", "a/b", "..", "ä"])
def test_names_as_they_were_sent_are_read_back(name: str) -> None:
    assert layout.ready_batch("p", layout.sent_ready("p", name)) == name
    assert layout.label_set_id("p", layout.sent_label_set("p", name)) == name
    assert layout.sent_ready("p", name).startswith(layout.sent_batch("p", name))


def test_other_keys_are_taken_for_nothing() -> None:
    for key in ("p/incoming/batch.json", "q/incoming/b/batch.json", "p/incoming/b/batch.json.part"):
        assert layout.ready_batch("p", key) is None
    good = layout.frames_object("p", "2026-01-31", "gw", 7)
    assert layout.frames_object_parts("q", good) is None
    for key in (good.replace("=gw", "=" + "x" * 101), f"{good}.part"):
        assert layout.frames_object_parts("p", key) is None
    assert layout.frames_object_parts("p", layout.frames("p") + "0.bin.zst") is None
    assert layout.is_frames_object(layout.frames("p") + "0.bin.zst")
    assert layout.folder_below("p/frames/", "p/frames/notes.txt") is None
    assert layout.below("p/frames/", "p/reports/x") is None


def test_names_that_cannot_be_ids_get_one() -> None:
    assert receipts.id_of("b1", good=True) == "b1"
    assert receipts.id_of("a b", good=False) == f"badly-named-{content_id('a b')}"
    assert layout.is_safe(receipts.id_of("a b", good=False))


def test_all_that_is_public_is_exported_and_documented() -> None:
    for module in (layout.data, layout.keys, layout.models, layout.monitoring, layout.state):
        tree = ast.parse(inspect.getsource(module))
        for here, after in zip(tree.body, [*tree.body[1:], ast.Pass()], strict=True):
            if isinstance(here, ast.FunctionDef | ast.ClassDef):
                name, told = here.name, bool(ast.get_docstring(here))
            elif isinstance(here, ast.Assign) and isinstance(here.targets[0], ast.Name):
                name = here.targets[0].id
                told = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            else:
                continue
            if not name.startswith("_") and name != layout.keys.between.__name__:
                assert told, f"{module.__name__}.{name} has no docstring"
                assert getattr(layout, name) is getattr(module, name)


def test_work_without_a_receipt_is_outstanding_in_order(store: Store) -> None:
    inputs = ["b3", "b1", "b2"]
    assert receipts.outstanding(store, "p", Consumer.INGEST, inputs) == inputs
    receipts.write(store, "p", Receipt(Consumer.INGEST, "b1", "done", output="d1"))
    assert receipts.outstanding(store, "p", Consumer.INGEST, inputs) == ["b3", "b2"]
    assert receipts.outstanding(store, "p", Consumer.TRAIN, inputs) == inputs
    found = receipts.read(store, "p", Consumer.INGEST, "b1")
    assert found is not None
    assert (found.status, found.output) == ("done", "d1")
    assert found.at.endswith("+00:00")
    assert receipts.read(store, "p", Consumer.INGEST, "b2") is None


def test_content_id_depends_on_content_alone() -> None:
    assert content_id({"a": 1, "b": [1, 2]}) == content_id({"b": [1, 2], "a": 1})
    assert content_id({"a": 1}) != content_id({"a": 2})
    assert len(content_id({}, 8)) == 8
