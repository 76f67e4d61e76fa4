"""MLflow: every run tracked, every candidate a registered version, aliases for what counts.

The server is MLFLOW_TRACKING_URI; without it, a SQLite file in the state folder.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinyops import mlflow_store
from tinyops.mlflow_store import ARTIFACT_ROOT

log = logging.getLogger(__name__)

CANDIDATE, CHAMPION = "candidate", "champion"
_CANDIDATE_TAG = "tinyops.candidate"


@dataclass(frozen=True)
class TrainedOn:
    """The dataset version that a run learnt from; `uri` is that of its manifest.

    `profile` are counts that MLflow's page shows; JSON content.
    """

    version: str
    uri: str
    profile: Mapping[str, Any]


def _client() -> Any:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    if uri:
        mlflow_store.prepare(uri, here=True)
    else:
        state = Path(os.environ.get("TINYOPS_STATE") or ".tinyops")
        uri = mlflow_store.tracking_uri(state)
        os.environ.setdefault(ARTIFACT_ROOT, mlflow_store.env(state)[ARTIFACT_ROOT])
        mlflow_store.migrate(state, here=True)
    import mlflow

    mlflow.set_tracking_uri(uri)
    return mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)


def log_run(
    project: str,
    candidate: str,
    params: Mapping[str, Any],
    metrics: Mapping[str, float],
    tags: Mapping[str, str],
    artifacts: Mapping[str, bytes],
    dataset: TrainedOn | None = None,
) -> str:
    """Track a finished training run; returns MLflow's run id."""
    from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

    client = _client()
    run = client.create_run(_experiment(client, project), run_name=candidate)
    now = run.info.start_time
    client.log_batch(
        run.info.run_id,
        metrics=[Metric(name, float(value), now, 0) for name, value in metrics.items()],
        params=[Param(name, str(value)) for name, value in params.items()],
        tags=[RunTag(name, value) for name, value in tags.items()],
    )
    if dataset is not None:
        source = json.dumps({"uri": dataset.uri})
        profile = json.dumps(dataset.profile)
        named = Dataset(project, dataset.version, "s3", source, profile=profile)
        context = [InputTag("mlflow.data.context", "training")]
        client.log_inputs(run.info.run_id, [DatasetInput(named, context)])
    _log_artifacts(client, run.info.run_id, artifacts)
    client.set_terminated(run.info.run_id)
    return str(run.info.run_id)


def _experiment(client: Any, project: str) -> str:
    """Id of the project's experiment, made by whoever comes first."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(project)
    if found is None:
        try:
            return str(client.create_experiment(project))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        found = client.get_experiment_by_name(project)
    return str(found.experiment_id)


def mark_forgotten(run_id: str, request: str, artifacts: Mapping[str, bytes]) -> None:
    """Tag a run whose model learnt from a machine that was forgotten, and replace artifacts.

    A run that MLflow does not know (any more) is nobody's concern.
    """
    from mlflow.exceptions import MlflowException

    client = _client()
    try:
        client.set_tag(run_id, "tinyops.forgotten", request)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        log.warning("MLflow knows no run %s; nothing marked", run_id)
        return
    _log_artifacts(client, run_id, artifacts)


def register(project: str, candidate: str, run_id: str, uri: str, dataset: str) -> str:
    """Register a candidate as a version of the model `project` with the alias `candidate`.

    Registering the same candidate twice gives the same version.
    """
    from mlflow.exceptions import MlflowException

    client = _client()
    version = _version_of(client, project, candidate)
    if version is None:
        try:
            client.create_registered_model(project)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        tags = {_CANDIDATE_TAG: candidate, "tinyops.dataset": dataset}
        version = client.create_model_version(project, uri, run_id=run_id, tags=tags).version
    client.set_registered_model_alias(project, CANDIDATE, version)
    return str(version)


def crown(project: str, candidate: str) -> str | None:
    """Move the alias `champion` to a candidate's version; None where MLflow does not know it."""
    client = _client()
    version = _version_of(client, project, candidate)
    if version is None:
        log.warning("%s: MLflow knows no candidate %s; no alias moved", project, candidate)
        return None
    client.set_registered_model_alias(project, CHAMPION, version)
    return version


def alias(project: str, name: str) -> str | None:
    """The version that an alias names, or None."""
    from mlflow.exceptions import MlflowException

    try:
        return str(_client().get_model_version_by_alias(project, name).version)
    except MlflowException:
        return None


def _log_artifacts(client: Any, run_id: str, artifacts: Mapping[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        for name, data in artifacts.items():
            path = Path(scratch) / name
            path.write_bytes(data)
            client.log_artifact(run_id, str(path))


def _version_of(client: Any, project: str, candidate: str) -> str | None:
    found = client.search_model_versions(f"name = '{project}'")
    matches = [item.version for item in found if item.tags.get(_CANDIDATE_TAG) == candidate]
    return str(matches[0]) if matches else None
