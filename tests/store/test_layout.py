"""Keys: what comes from outside cannot climb out of its prefix; receipts say what is left to do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyops.errors import TinyOpsError
from tinyops.store import Receipt, Store, content_id, edge_layout, layout, receipts


@pytest.mark.parametrize(
    "name", ["", "..", "../x", "a/b", "a..b", "/a", ".hidden", "a b", "ä", "a\n", "x" * 129]
)
def test_names_that_could_climb_are_refused(name: str) -> None:
    for build in (
        lambda: layout.quarantine("p", name),
        lambda: layout.quarantine(name, "b"),
        lambda: layout.receipt("p", "train", name),
        lambda: edge_layout.gateway_event("gw", name),
        lambda: layout.label_request("p", name),
        lambda: layout.label_set("p", name),
        lambda: layout.frames_object("p", "2026-01-01", f"x/{name}", 1),
        lambda: (
            edge_layout.tuf_target(f"p/{name}/image.bin")
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
    assert table == folder + "000000000007-000000001234.parquet"
    assert folder.startswith(layout.frames("p", "2026-01-31"))
    assert layout.frames("p", "2026-01-31").startswith(layout.frames("p"))


def test_work_without_a_receipt_is_outstanding_in_order(store: Store) -> None:
    inputs = ["b3", "b1", "b2"]
    assert receipts.outstanding(store, "p", "ingest", inputs) == inputs
    receipts.write(store, "p", Receipt("ingest", "b1", "done", output="d1"))
    assert receipts.outstanding(store, "p", "ingest", inputs) == ["b3", "b2"]
    assert receipts.outstanding(store, "p", "train", inputs) == inputs
    found = receipts.read(store, "p", "ingest", "b1")
    assert found is not None
    assert (found.status, found.output) == ("done", "d1")
    assert found.at.endswith("+00:00")
    assert receipts.read(store, "p", "ingest", "b2") is None


def test_content_id_depends_on_content_alone() -> None:
    assert content_id({"a": 1, "b": [1, 2]}) == content_id({"b": [1, 2], "a": 1})
    assert content_id({"a": 1}) != content_id({"a": 2})
    assert len(content_id({}, 8)) == 8
