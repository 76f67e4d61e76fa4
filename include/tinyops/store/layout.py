"""Every S3 key of a project. Pure functions: none but this file and `edge_layout` builds a key."""

from __future__ import annotations

import re

from tinyops.errors import TinyOpsError

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]{0,127}")


def is_safe(name: str) -> bool:
    """Whether a name can be part of a key."""
    return bool(_SAFE.fullmatch(name)) and ".." not in name


def part(value: str) -> str:
    """A name as part of a key; TinyOpsError where it cannot be one."""
    # A name that comes from outside (a batch, a gateway) must not climb out of its prefix.
    if not is_safe(value):
        raise TinyOpsError(f"{value!r} cannot be part of an S3 key", "use letters, digits and ._=-")
    return value


def parts(path: str) -> str:
    """A path with folders as part of a key; TinyOpsError where it cannot be one."""
    return "/".join(part(each) for each in path.split("/"))


def project(name: str) -> str:
    """Folder of all that belongs to a project."""
    return f"{part(name)}/"


def incoming(project: str, batch: str = "") -> str:
    """Folder of one incoming batch, or of all."""
    return f"{part(project)}/incoming/{part(batch) + '/' if batch else ''}"


def batch_file(number: int) -> str:
    """In a batch's folder: its first, second … file of recordings."""
    return f"recordings-{number:05d}.parquet" if number > 1 else "recordings.parquet"


def batch_recordings(project: str, batch: str, name: str = "recordings.parquet") -> str:
    """A file of recordings of a batch."""
    return incoming(project, batch) + part(name)


def batch_original(project: str, batch: str, file: str) -> str:
    """A foreign file of a batch; `file` may have folders."""
    return incoming(project, batch) + parts(file)


def batch_ready(project: str, batch: str) -> str:
    """Written last: the batch is complete."""
    return incoming(project, batch) + "batch.json"


def staging(project: str, name: str = "") -> str:
    """What tasks of a run of ingest leave for its last one; the next run sweeps it."""
    return f"{part(project)}/staging/{part(name) if name else ''}"


def requests(project: str) -> str:
    """Folder of what somebody wants removed; whoever asks writes, ingest carries it out."""
    return f"{part(project)}/requests/"


def request(project: str, request_id: str) -> str:
    """What is asked for."""
    return f"{requests(project)}{part(request_id)}/request.json"


def request_plan(project: str, request_id: str) -> str:
    """What ingest is about to do for a request; gone when it is done."""
    return f"{requests(project)}{part(request_id)}/plan.json"


def forgotten(project: str, name: str = "") -> str:
    """A machine that may not come back, by a salted hash of its name; or the folder of all."""
    return f"{part(project)}/forgotten/" + (f"{part(name)}.json" if name else "")


def quarantines(project: str) -> str:
    """Folder of all that gates refused."""
    return f"{part(project)}/quarantine/"


def quarantine(project: str, batch: str) -> str:
    """Folder of what a gate refused of a batch, with the reason."""
    return quarantines(project) + f"{part(batch)}/"


def dataset(project: str, version: str = "") -> str:
    """Folder of one dataset version, or of all."""
    return f"{part(project)}/datasets/{part(version) + '/' if version else ''}"


def dataset_manifest(project: str, version: str) -> str:
    """Written last: the dataset version is complete."""
    return dataset(project, version) + "manifest.json"


def dataset_files(project: str) -> str:
    """Folder of the files that versions share."""
    return f"{part(project)}/datasets/files/"


def dataset_file(project: str, sha256: str) -> str:
    """A Parquet file of recordings, named by its content and shared between versions."""
    return dataset_files(project) + f"{part(sha256)}.parquet"


def dataset_labels(project: str, sha256: str) -> str:
    """Labels that supersede those of the recordings; named by its content like the files."""
    return dataset_files(project) + f"{part(sha256)}.json"


def label_requests(project: str) -> str:
    """Folder of all requests for labels."""
    return f"{part(project)}/labels/requests/"


def label_request(project: str, request: str) -> str:
    """A request for labels, or for labelled recordings; written once by monitor."""
    return label_requests(project) + f"{part(request)}.json"


def label_sets(project: str) -> str:
    """Folder of all label sets, as they were handed in."""
    return f"{part(project)}/labels/sets/"


def label_set(project: str, set_id: str) -> str:
    """A label set, named by its content; whoever labels writes it."""
    return label_sets(project) + f"{part(set_id)}.json"


def accepted_labels(project: str, set_id: str = "") -> str:
    """Those labels of a set that ingest accepted; or the folder of all of them."""
    return f"{part(project)}/labels/accepted/" + (f"{part(set_id)}.json" if set_id else "")


def candidate(project: str, run: str = "") -> str:
    """Folder of one training run's result, or of all."""
    return f"{part(project)}/candidates/{part(run) + '/' if run else ''}"


MODEL = "model.tflite"
"""In a candidate's folder: the int8 model."""


def candidate_manifest(project: str, run: str) -> str:
    """Written last: the candidate is complete."""
    return candidate(project, run) + "candidate.json"


def release(project: str, version: str = "") -> str:
    """Folder of one release's evidence, or of all."""
    return f"{part(project)}/releases/{part(version) + '/' if version else ''}"


FIT = "fit.json"
"""In a release's folder: what the model takes on each board."""

SKETCH = "sketch.json"
"""In a release's folder: what its devices count of their windows."""

REFERENCE = "reference.json"
"""In a release's folder: what the frames of its devices are compared with."""


REAL_TARGETS = "real-targets.json"
"""In a release's folder: what was built for real boards, or why nothing was."""


def unproven_image_name(target: str) -> str:
    """In a release's folder: an image for a real board. It is not signed: nothing proves it."""
    return f"unproven-{part(target)}.bin"


def image_name(target: str) -> str:
    """In a release's folder: the bytes for one target."""
    return f"{part(target)}/image.bin"


def image_facts_name(target: str) -> str:
    """In a release's folder: offset, sizes, hash and header of one target's image."""
    return f"{part(target)}/image.json"


def proof_name(target: str) -> str:
    """In a release's folder: the proof of one target's image."""
    return f"proof-{part(target)}.json"


BENCHMARK = "benchmark.json"
"""In a release's folder: what serving takes by instructions, beside the champion; repeats."""

HOST_BENCHMARK = "benchmark-host.json"
"""In a release's folder: times of the host that built it; no two runs give the same."""


def holds_self_test(key: str) -> bool:
    """Whether an object of a release is an image, which holds windows for its self-test."""
    name = key.rpartition("/")[2]
    return name == "image.bin" or (name.startswith("unproven-") and name.endswith(".bin"))


def release_manifest(project: str, version: str) -> str:
    """Written last: the release is signed and staged."""
    return release(project, version) + "manifest.json"


def predictions_of(project: str, dataset: str = "") -> str:
    """Folder of all predictions, or of those about one dataset version."""
    return f"{part(project)}/predictions/" + (f"{part(dataset)}/" if dataset else "")


def predictions(project: str, dataset: str, model: str) -> str:
    """Folder of what a model says of a dataset version."""
    return f"{part(project)}/predictions/{part(dataset)}/{part(model)}/"


def predictions_shard(project: str, dataset: str, model: str, shard: str) -> str:
    """Predictions for one shard of the dataset version."""
    return predictions(project, dataset, model) + f"{part(shard)}.parquet"


def predictions_summary(project: str, dataset: str, model: str) -> str:
    """Written last: all shards are there, and this is what they say in all."""
    return predictions(project, dataset, model) + "summary.json"


def reports(project: str) -> str:
    """Folder of all reports."""
    return f"{part(project)}/reports/"


def report(project: str, kind: str, report_id: str = "") -> str:
    """Folder of one report (Data Docs and the like), or of all of a kind."""
    tail = part(report_id) + "/" if report_id else ""
    return f"{part(project)}/reports/{part(kind)}/{tail}"


def report_file(project: str, kind: str, path: str) -> str:
    """One file of a report; `path` may have folders."""
    return report(project, kind) + parts(path)


def frames(project: str, date: str = "", gateway: str = "") -> str:
    """Folder of all frames, of those received on a day (YYYY-MM-DD), or of a gateway's of a day."""
    folder = f"{part(project)}/frames/"
    if date:
        folder += f"date={part(date)}/"
    if date and gateway:
        folder += f"gateway={part(gateway)}/"
    return folder


def frames_object(project: str, date: str, gateway: str, seq: int) -> str:
    """One file of frames, as a gateway sends it; written by that gateway only."""
    return frames(project, date, gateway) + f"{seq:012d}.bin.zst"


def frames_table(project: str, date: str, gateway: str, first: int, last: int) -> str:
    """The accepted frames of the files `first` to `last` as a table."""
    return frames(project, date, gateway) + f"{first:012d}-{last:012d}.parquet"


def receipt(project: str, consumer: str, input_id: str) -> str:
    """Proof that a consumer has handled an input."""
    return receipts(project, consumer) + f"{part(input_id)}.json"


def receipts(project: str, consumer: str) -> str:
    """Folder of all receipts of a consumer."""
    return f"{part(project)}/receipts/{part(consumer)}/"


def pointer(project: str, name: str) -> str:
    """The pointer `dataset`, `candidate`, `champion` or `release`: one object, one writer each."""
    return f"{part(project)}/current/{part(name)}.json"
