"""Bad labels: counted, set aside with the reason, never mixed in, never a crash."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.data.label_maker import NOW, labels
from tests.support.data.recording_maker import PROJECT, fleet, put_raw
from tinyops.data.datasets.dataset import current_version, open_dataset
from tinyops.data.ingest.batch import publish_batch
from tinyops.data.ingest.ingest import ingest_batch
from tinyops.data.ingest.relabel import apply_labels, outstanding_labels
from tinyops.data.labels.label_set import LabelError, LabelSet, parse_labels, publish_labels
from tinyops.data.labels.labels import current_labels
from tinyops.store import Store, content_id, layout

pytestmark = pytest.mark.slow

A, B = "b-m0-ball", "b-m1-ball"


@pytest.fixture(scope="module")
def store(module_store: Store) -> Store:
    """One bucket for all: what a bad set leaves behind must not matter to the next."""
    return module_store


@pytest.fixture(scope="module")
def before(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYOPS_CACHE", str(tmp_path_factory.mktemp("cache")))
        publish_batch(store, PROJECT, "b", fleet())
        yield str(ingest_batch(store, PROJECT, "b")["dataset"])


def refused(store: Store, name: str, before: str) -> dict[str, Any]:
    """Apply a bad set and check all that must hold of it. Returns the content of reason.json."""
    handed_in = {row.key: row.etag for row in store.objects(layout.label_sets(PROJECT.name))}
    assert outstanding_labels(store, PROJECT) == [name]
    told = apply_labels(store, PROJECT, name)
    assert (told["status"], told["dataset"], told["accepted"]) == ("quarantined", "", 0)
    assert outstanding_labels(store, PROJECT) == []
    assert current_version(store, PROJECT) == before
    assert current_labels(store, PROJECT) == {}
    still = {row.key: row.etag for row in store.objects(layout.label_sets(PROJECT.name))}
    assert still == handed_in
    assert apply_labels(store, PROJECT, name) == told
    folder = name if len(name) == 16 else f"badly-named-{content_id(name)}"
    key = layout.quarantine_reason(PROJECT.name, layout.labels_input(folder))
    content: dict[str, Any] = store.get_json(key)
    assert content["reason"] == told["reason"]
    assert content["refused"] == told["refused"]
    return content


def publish(store: Store, one: LabelSet) -> str:
    publish_labels(store, PROJECT, one)
    return one.id


def raw(store: Store, text: bytes, name: str = "") -> str:
    """Anything as a label set, past `publish_labels`."""
    name = name or content_id(text.hex())
    store.put(layout.sent_label_set(PROJECT.name, name), text)
    return name


def test_unknown_recordings(store: Store, before: str) -> None:
    found = refused(store, publish(store, labels({"x": "ball", "y": "ball"})), before)
    assert found["counts"] == {"unknown recording": 2}
    assert found["refusals"][0]["recording_id"] == "x"
    assert "no label is good" in found["reason"]


def test_contradictory_labels(store: Store, before: str) -> None:
    pairs = [(A, "normal"), (A, "inner_race"), (A, "normal")]
    found = refused(store, publish(store, labels(pairs)), before)
    assert found["counts"] == {"contradictory labels": 3}


def test_unknown_class(store: Store, before: str) -> None:
    found = refused(store, publish(store, labels({A: "cage"})), before)
    assert found["counts"] == {"unknown class": 1}
    assert "inner_race" in found["refusals"][0]["fix"]


def test_dates_that_cannot_be(store: Store, before: str) -> None:
    future = labels({A: "normal"}, at=NOW + timedelta(hours=1))
    assert "future" in refused(store, publish(store, future), before)["reason"]
    old = labels({A: "normal"}, at=NOW - timedelta(days=PROJECT.retention.labels_days + 1))
    assert "retention.labels_days" in refused(store, publish(store, old), before)["reason"]


def test_a_part_without_a_class(store: Store, before: str) -> None:
    dataset = open_dataset(store, PROJECT, before)
    test = [r.recording_id for r in dataset.recordings("test") if r.label == "ball"]
    name = publish(store, labels(dict.fromkeys(test, "normal")))
    assert "'ball' is absent from test" in refused(store, name, before)["reason"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "empty"),
        (b"{", "JSON"),
        (b"\xff\xfe", "JSON"),
        (b"[" * 100_000, "JSON"),
        (b"[]", "object"),
        (b"{}", "project"),
    ],
    ids=["empty", "cut", "no text", "deep", "list", "nothing"],
)
def test_rubbish(store: Store, before: str, text: bytes, said: str) -> None:
    assert said in refused(store, raw(store, text), before)["reason"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"labels": []}, "labels"),
        ({"labels": [{"recording_id": A}]}, r"labels.0.label"),
        ({"labels": [{"recording_id": A, "label": 3}]}, r"labels.0.label"),
        ({"at": "2026-01-01T00:00:00"}, "at: "),
        ({"at": 5}, "at: "),
        ({"source": "oracle"}, "source"),
        ({"author": ""}, "author"),
        ({"request": "../x"}, "request"),
        ({"more": 1}, "more"),
        ({"project": "exercise_watch"}, "project"),
        ({"adopt_audits": "yes"}, "adopt_audits"),
    ],
)
def test_wrong_keys_are_named(store: Store, before: str, change: dict[str, Any], said: str) -> None:
    content = labels({A: "normal"}).model_dump(mode="json") | change
    name = content_id(content)
    raw(store, json.dumps(content).encode(), name)
    assert said in refused(store, name, before)["reason"]


def test_names_that_are_no_hash_of_the_content(store: Store, before: str) -> None:
    text = json.dumps(labels({A: "normal"}).model_dump(mode="json")).encode()
    for name in ("by hand", "0123456789abcdef", "x" * 200, "a/b"):
        assert refused(store, raw(store, text, name), before)["reason"]


def test_an_audit_answers_nothing() -> None:
    with pytest.raises(ValidationError, match="answers no request"):
        labels({A: "normal"}, source="audit", request="r1")


def test_what_is_not_there_is_named(store: Store, before: str) -> None:
    for name in ("0" * 16, "../x", ""):
        with pytest.raises(LabelError, match="no label set"):
            apply_labels(store, PROJECT, name)


def test_labels_before_any_data(store: Store) -> None:
    empty = PROJECT.model_copy(update={"name": "empty"})
    one = labels({A: "normal"}, project="empty")
    publish_labels(store, empty, one)
    assert apply_labels(store, empty, one.id)["status"] == "quarantined"
    with pytest.raises(LabelError, match="not 'empty'"):
        publish_labels(store, empty, labels({A: "normal"}))


def test_a_batch_may_not_name_a_bad_request(store: Store, before: str) -> None:
    for number, bad in enumerate(("../x", 5, None, "a/b")):
        put_raw(store, f"bad-{number}", b"x", request=bad)
        told = ingest_batch(store, PROJECT, f"bad-{number}")
        assert told["status"] == "quarantined"
        assert "request" in told["reason"]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_refused_with_words(text: bytes) -> None:
    with pytest.raises(LabelError, match="label set some"):
        parse_labels(text, "some")
