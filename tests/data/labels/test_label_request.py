"""What monitoring asks for, read back; an object that is no request is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.label_requests import request_labels
from tinyops.data.labels.label_request import find_request, open_requests, requests_about
from tinyops.data.labels.label_set import LabelError
from tinyops.store import Consumer, Receipt, Store, layout, receipts

PROJECT = "motor_health"


def test_a_request_is_read_as_it_was_written(store: Store) -> None:
    written = request_labels(store, PROJECT, "r1", "concept drift", recordings=("a", "b"))
    assert find_request(store, PROJECT, "r1") == written
    assert open_requests(store, PROJECT) == [written]


def test_those_about_a_device_stay_when_they_are_answered(store: Store) -> None:
    first = request_labels(store, PROJECT, "r1")
    other = request_labels(store, PROJECT, "r2", device="pump-8")
    receipts.write(store, PROJECT, Receipt(Consumer.ANSWER, "r1", "done", "d1"))
    assert open_requests(store, PROJECT) == [other]
    assert requests_about(store, PROJECT, "pump-7") == [first]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kind": "drift"}, "kind: "),
        ({"about": "many"}, "about: "),
        ({"about": -1}, "about: "),
        ({"at": "2026-01-01T10:00:00"}, "at: "),
        ({"recordings": "a"}, "recordings: "),
        ({"recordings": [1]}, "recordings.0: "),
        ({"surprise": 1}, "surprise: "),
        ({"id": "r2"}, "it is request r2 of motor_health"),
        ({"project": "exercise_watch"}, "it is request r1 of exercise_watch"),
    ],
)
def test_what_is_wrong_with_one_is_said(store: Store, changes: dict[str, Any], says: str) -> None:
    good = request_labels(store, PROJECT, "r1").model_dump(mode="json")
    store.put_json(layout.label_request(PROJECT, "r1"), good | changes)
    require_named(store, says)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"{", json.dumps({}).encode()])
def test_what_is_no_request_is_named(store: Store, content: bytes) -> None:
    store.put(layout.label_request(PROJECT, "r1"), content)
    require_named(store, "request r1 of motor_health: ")


def require_named(store: Store, says: str) -> None:
    with pytest.raises(LabelError) as raised:
        open_requests(store, PROJECT)
    assert says in raised.value.message
    assert store.uri(layout.label_request(PROJECT, "r1")) in raised.value.fix
