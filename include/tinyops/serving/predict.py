"""Score a dataset version in batch: one Parquet file a shard, then a summary.

Keys are made of dataset version and model version, so a repeated run writes the same objects; the
summary comes last and says that all are there.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from tinyops.data.datasets.dataset import Dataset, current_version, open_dataset
from tinyops.data.datasets.shard import Shard, read_shard, shards_of
from tinyops.data.recordings.recording import Recording
from tinyops.projects import Project
from tinyops.serving.errors import ServingError
from tinyops.serving.model import Scores, ServedModel, default_model
from tinyops.serving.tally import Tally
from tinyops.store import Store, layout


def choose(
    store: Store, project: Project, dataset: str | None, model: str | None
) -> dict[str, str]:
    """{dataset, model, summary}: what to score with what, and the key of its summary.

    Without a dataset version the current one, without a model see `default_model`.

    Raises
    ------
    DatasetError, ServingError
        There is no such version or model.
    """
    chosen = dataset or current_version(store, project)
    if chosen is None:
        raise ServingError(f"{project.name} has no dataset version yet", "let ingest make one")
    version = model or default_model(store, project.name)
    if not store.exists(layout.candidate_manifest(project.name, version)):
        raise ServingError(
            f"{project.name} has no candidate {version!r}", "name one that training accepted"
        )
    open_dataset(store, project, chosen)
    summary = layout.predictions_summary(project.name, chosen, version)
    return {"dataset": chosen, "model": version, "summary": summary}


def plan(store: Store, project: Project, dataset: str, model: str) -> list[dict[str, Any]]:
    """One entry {dataset, model, shard} for each shard of the dataset version."""
    shards = shards_of(open_dataset(store, project, dataset))
    return [{"dataset": dataset, "model": model, "shard": one.to_dict()} for one in shards]


def score_shard(
    store: Store, project: Project, dataset: str, model: str, shard: dict[str, Any]
) -> dict[str, Any]:
    """Write the predictions of one shard.

    Returns
    -------
    {dataset, model, shard, key, recordings, windows}
    """
    data, served = open_dataset(store, project, dataset), ServedModel(store, project, model)
    part = Shard.from_dict(shard)
    key = layout.predictions_shard(project.name, dataset, model, part.name)
    with tempfile.TemporaryDirectory(prefix="tinyops-predict-") as folder:
        path = Path(folder) / "predictions.parquet"
        recordings, windows = _write(path, data, served, part)
        store.upload(path, key)
    counts = {"recordings": recordings, "windows": windows}
    return {"dataset": dataset, "model": model, "shard": part.name, "key": key, **counts}


def summarise(store: Store, project: Project, scored: list[dict[str, Any]]) -> dict[str, Any]:
    """Read the predictions of all shards, one file at a time, and write summary.json.

    Returns
    -------
    {uri, dataset, model, recordings, windows, labelled, parts}

    Raises
    ------
    ServingError
        The predictions of a shard are missing.
    """
    dataset, model = scored[0]["dataset"], scored[0]["model"]
    wanted = {one.name for one in shards_of(open_dataset(store, project, dataset))}
    if missing := wanted - {one["shard"] for one in scored}:
        raise ServingError(f"no predictions of shards {sorted(missing)}", "clear their tasks")
    manifest = store.get_json(layout.candidate_manifest(project.name, model))
    tally = Tally(manifest["labels"])
    with tempfile.TemporaryDirectory(prefix="tinyops-predict-") as folder:
        for one in scored:
            tally.add(store.download(one["key"], Path(folder) / "predictions.parquet"))
    kept = ("shard", "key", "recordings", "windows")
    content = {
        "project": project.name,
        "dataset": dataset,
        "model": model,
        "simulated": project.source.simulated,
        "shards": [{name: one[name] for name in kept} for one in scored],
        "recordings": sum(one["recordings"] for one in scored),
        **tally.summary(),
    }
    uri = store.put_json(layout.predictions_summary(project.name, dataset, model), content)
    told = ("dataset", "model", "recordings", "windows", "labelled", "parts")
    return {"uri": uri} | {name: content[name] for name in told}


def _write(path: Path, data: Dataset, model: ServedModel, shard: Shard) -> tuple[int, int]:
    """Recordings and windows that were written."""
    import pyarrow as pa
    from pyarrow import parquet

    schema = _schema(data, model)
    recordings = windows = 0
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for recording in read_shard(data, shard):
            recordings += 1
            for scores in model.score(recording):
                rows = list(_rows(data, recording, model, scores))
                writer.write_batch(pa.RecordBatch.from_pylist(rows, schema=schema))
                windows += len(rows)
    return recordings, windows


def _schema(data: Dataset, model: ServedModel) -> Any:
    import pyarrow as pa

    about = {
        "dataset": data.version,
        "model": model.version,
        "classes": json.dumps(model.classes),
        "logit_scale": repr(model.logit_scale),
        "temperature": repr(model.temperature),
    }
    return pa.schema(
        [
            ("recording_id", pa.string()),
            ("machine_id", pa.string()),
            ("device_id", pa.string()),
            ("part", pa.string()),
            ("label", pa.string()),
            ("window", pa.int32()),
            ("started_at", pa.timestamp("us", tz="UTC")),
            ("predicted", pa.string()),
            ("confidence", pa.float32()),
            ("logits", pa.list_(pa.int8())),
            ("model", pa.string()),
        ],
        metadata=about,
    )


def _rows(
    data: Dataset, recording: Recording, model: ServedModel, scores: Scores
) -> Iterator[dict[str, Any]]:
    common = {
        "recording_id": recording.recording_id,
        "machine_id": recording.machine_id,
        "device_id": recording.device_id,
        "part": data.part_of(recording),
        "label": recording.label,
        "model": model.version,
    }
    hop = model.frontend.spec.hop / recording.rate_hz
    for offset, predicted in enumerate(scores.predicted):
        number = scores.first + offset
        yield common | {
            "window": number,
            "started_at": recording.recorded_at + timedelta(seconds=number * hop),
            "predicted": model.classes[predicted],
            "confidence": scores.confidences[offset],
            "logits": scores.logits[offset].tolist(),
        }
