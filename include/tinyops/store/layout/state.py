"""Where a project stands: pointers, receipts, requests to remove something, files between tasks."""

from __future__ import annotations

from enum import StrEnum

from tinyops.store.layout.keys import between, part


class Pointer(StrEnum):
    """Current version of each kind in a project: one object, one writer each."""

    DATASET = "dataset"
    CANDIDATE = "candidate"
    RELEASE = "release"
    CHAMPION = "champion"
    VERDICT = "verdict"
    DEVICES = "devices"
    RETENTION = "retention"


class Consumer(StrEnum):
    """Who writes receipts, each for one kind of input."""

    INGEST = "ingest"
    """Batches."""

    LABELS = "labels"
    """Label sets."""

    UPKEEP = "upkeep"
    """Requests to remove something."""

    TRAIN = "train"
    """Dataset versions."""

    RELEASE = "release"
    """Candidates."""

    MONITOR = "monitor"
    """Files of frames."""

    ANSWER = "answer"
    """Label requests: whoever takes in what answers one."""


def project(name: str) -> str:
    """Folder of all that belongs to a project."""
    return f"{part(name)}/"


def pointer(project: str, name: Pointer) -> str:
    """A pointer of a project."""
    return f"{part(project)}/current/{part(name)}.json"


def is_pointer(key: str) -> bool:
    """Return True for a pointer of any project."""
    project, _, rest = key.partition("/")
    return rest in {f"current/{name}.json" for name in Pointer} and bool(project)


def receipts(project: str, consumer: Consumer) -> str:
    """Folder of all receipts of a consumer."""
    return f"{part(project)}/receipts/{part(consumer)}/"


def receipt(project: str, consumer: Consumer, input_id: str) -> str:
    """Proof that a consumer has handled an input."""
    return receipts(project, consumer) + f"{part(input_id)}.json"


def receipt_input(project: str, consumer: Consumer, key: str) -> str | None:
    """The input that a receipt is about; None where the key is no receipt of the consumer."""
    return between(receipts(project, consumer), key, ".json")


def staging(project: str) -> str:
    """Folder of what tasks of a run of ingest leave for its last one; the next run sweeps it."""
    return f"{part(project)}/staging/"


def staged_recordings(project: str, sha256: str) -> str:
    """Recordings that a task has imported or rewritten, named by their content."""
    return staging(project) + f"{part(sha256)}.parquet"


def staged_findings(project: str, findings_id: str) -> str:
    """Measurements of one file by a task."""
    return staging(project) + f"{part(findings_id)}.json"


def requests(project: str) -> str:
    """Folder of what somebody wants removed; whoever asks writes, ingest carries it out."""
    return f"{part(project)}/requests/"


def request(project: str, request_id: str) -> str:
    """Content of a request."""
    return f"{requests(project)}{part(request_id)}/request.json"


def request_id(project: str, key: str) -> str | None:
    """The request that lies at a key; None where none does."""
    return between(requests(project), key, "/request.json")


def request_plan(project: str, request_id: str) -> str:
    """Plan of ingest for a request; deleted when it is done."""
    return f"{requests(project)}{part(request_id)}/plan.json"


def forgotten(project: str, name: str = "") -> str:
    """A machine that may not come back, by a salted hash of its name; or the folder of all."""
    return f"{part(project)}/forgotten/" + (f"{part(name)}.json" if name else "")
