"""What is scored with what, and what predictions say in all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.support.candidate_maker import put_candidate
from tests.support.serving_house import NAME
from tinyops.data.datasets.dataset import DatasetError
from tinyops.projects import load_project
from tinyops.serving.errors import ServingError
from tinyops.serving.model import default_model
from tinyops.serving.predict import choose
from tinyops.serving.tally import Tally, figures
from tinyops.store import Pointer, Store, layout

PROJECT = load_project("motor_health").model_copy(update={"name": NAME})
COLUMNS = ("machine_id", "part", "label", "predicted", "confidence")


def write(path: Path, rows: list[tuple[object, ...]]) -> Path:
    content = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    parquet.write_table(pa.Table.from_pylist(content), path)
    return path


def test_the_champion_serves_before_what_is_staged_before_what_was_trained(store: Store) -> None:
    with pytest.raises(ServingError, match="tiny_project has no model yet"):
        default_model(store, NAME)
    store.put_json(layout.pointer(NAME, Pointer.CANDIDATE), {"version": "run-3"})
    assert default_model(store, NAME) == "run-3"
    store.put_json(layout.pointer(NAME, Pointer.RELEASE), {"version": "run-2"})
    assert default_model(store, NAME) == "run-2"
    store.put_json(
        layout.pointer(NAME, Pointer.CHAMPION), {"version": "run-1", "candidate": "run-1"}
    )
    assert default_model(store, NAME) == "run-1"


def test_what_is_missing_is_named(store: Store) -> None:
    with pytest.raises(ServingError, match="tiny_project has no dataset version yet"):
        choose(store, PROJECT, None, "run-1")
    with pytest.raises(ServingError, match="tiny_project has no candidate 'run-9'"):
        choose(store, PROJECT, "d1", "run-9")
    put_candidate(store, NAME, "run-1")
    with pytest.raises(DatasetError, match="no dataset version 'd1'"):
        choose(store, PROJECT, "d1", "run-1")


def test_right_and_wrong_are_counted_where_there_are_labels(tmp_path: Path) -> None:
    tally = Tally(["a", "b", "c"])
    tally.add(
        write(
            tmp_path / "0.parquet",
            [
                ("m1", "train", "a", "a", 0.75),
                ("m1", "train", "b", "a", 0.5),
                ("m2", "test", None, "b", 0.25),
            ],
        )
    )
    tally.add(
        write(
            tmp_path / "1.parquet",
            [("m1", "train", "b", "b", 0.5), ("m2", "test", "gone", "a", 0.5)],
        )
    )
    found = tally.summary()
    assert (found["windows"], found["labelled"], found["mean_confidence"]) == (5, 3, 0.5)
    assert found["predicted"] == {"a": 3, "b": 2, "c": 0}
    train = {"windows": 3, "accuracy": 0.6667, "macro_f1": 0.4444}
    of_machine = train | {"macro_f1": 0.6667}
    unknown = {"windows": 0, "accuracy": None, "macro_f1": None}
    assert found["parts"] == {"test": unknown, "train": train}
    assert found["machines"] == {
        "m1": {"parts": ["train"]} | of_machine,
        "m2": {"parts": ["test"]} | unknown,
    }


def test_an_absent_class_counts_as_nothing_but_for_one_machine() -> None:
    table = np.array([[8, 2, 0], [0, 0, 0], [0, 0, 0]])
    assert figures(table)["macro_f1"] == pytest.approx(2 * 8 / 18 / 3, abs=1e-4)
    assert figures(table, of_present=True)["macro_f1"] == pytest.approx(2 * 8 / 18, abs=1e-4)
