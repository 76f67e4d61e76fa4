"""Runs in a real MLflow store."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinyops.training import registry


@pytest.fixture(autouse=True)
def own_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("_MLFLOW_SERVER_ARTIFACT_ROOT", raising=False)
    monkeypatch.setenv("TINYOPS_STATE", str(tmp_path / "state"))


def test_a_run_that_learnt_from_a_forgotten_machine_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = registry.log_run("p", "run-1", {}, {"f1": 0.9}, {}, {"card.md": b"of m4"})

    registry.mark_forgotten(run, "r-1", {"card.md": b"of a machine"})
    registry.mark_forgotten(run, "r-1", {"card.md": b"of a machine"})

    client = registry._client()
    assert client.get_run(run).data.tags["tinyops.forgotten"] == "r-1"
    card = Path(client.download_artifacts(run, "card.md", str(tmp_path)))
    assert card.read_bytes() == b"of a machine"

    registry.mark_forgotten("0" * 32, "r-1", {})
    assert "knows no run" in caplog.text
