"""Windows for a reference: of all parts, without overlap, and where each comes from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinyops.data.datasets.dataset import open_dataset
from tinyops.data.ingest.batch import publish_batch
from tinyops.data.ingest.ingest import ingest_batch
from tinyops.data.recordings.sources import generate
from tinyops.frontend import from_project
from tinyops.projects import load_project
from tinyops.projects.coverage import PARTS
from tinyops.store import Store
from tinyops.training.reference_windows import reference_windows
from tinyops.training.windows import windows_of


def test_every_window_says_where_it_comes_from(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYOPS_CACHE", str(tmp_path / "cache"))
    full = load_project("motor_health")
    project = full.model_copy(
        update={
            "signal": full.signal.model_copy(update={"window": 2048, "hop": 512}),
            "split": full.split.model_copy(update={"salt": "3"}),
        }
    )
    for number, batch in enumerate(("early", "late")):
        recordings = generate(project, 1, machines=8, seconds=0.5, start_machine=8 * number)
        publish_batch(store, project, batch, recordings)
        result = ingest_batch(store, project, batch)
    data = open_dataset(store, project, str(result["dataset"]))
    frontend = from_project(project.frontend, project.signal)
    found = reference_windows(data, project, frontend)

    apart = project.model_copy(
        update={"signal": project.signal.model_copy(update={"hop": project.signal.window})}
    )
    for part in PARTS:
        wanted, at = windows_of(data.recordings(part), apart, frontend), found["parts"] == part
        assert np.array_equal(found["features"][at], wanted.features)
        assert np.array_equal(found["labels"][at], wanted.labels)
        assert np.array_equal(found["groups"][at], wanted.groups)
    assert (found["features"].dtype, found["labels"].dtype) == (np.int8, np.int16)
    machines = {
        batch: set(found["groups"][found["batches"] == batch]) for batch in ("early", "late")
    }
    assert len(machines["early"]) == len(machines["late"]) == 8
    assert not machines["early"] & machines["late"]

    fewer = reference_windows(data, project, frontend, most=50)
    assert {len(column) for column in fewer.values()} == {50}
    assert set(fewer["parts"]) == set(PARTS)
    assert np.array_equal(fewer["features"][-1], found["features"][-1])
