"""Data of a project: batches as they come in, what gates refuse, dataset versions, labels.

Names of batches and label sets come from outside, so a listing may show one that cannot be part of
a key. The functions `sent_…` give its key all the same: to read, list or delete what is there.
"""

from __future__ import annotations

import re

from tinyops.store.layout.keys import between, folder_below, is_parquet, is_safe, part
from tinyops.store.layout.keys import parts as path_parts

READY = "batch.json"
"""In a batch's folder: what it consists of. Written last: the batch is complete."""

RECORDINGS = "recordings.parquet"
"""In a batch's folder, or in quarantine: recordings in one file."""

REASON = "reason.json"
"""In a folder of quarantine: why something was refused. Written last."""

FRAMES_TABLE = "frames.parquet"
"""In a folder of quarantine: frames that were refused."""

_BATCH_FILE = re.compile(r"recordings(-[0-9a-f]{5,16})?\.parquet")
_FILES = "files"


def incoming(project: str, batch: str = "") -> str:
    """Folder of one incoming batch, or of all."""
    return f"{part(project)}/incoming/{part(batch) + '/' if batch else ''}"


def sent_batch(project: str, batch: str) -> str:
    """Folder of a batch by the name that it came under, whatever that is."""
    return incoming(project) + f"{batch}/"


def sent_ready(project: str, batch: str) -> str:
    """The ready mark of a batch by the name that it came under, whatever that is."""
    return sent_batch(project, batch) + READY


def batch_of(project: str, key: str) -> str | None:
    """The batch, as it was sent, that an object belongs to; None where it belongs to none."""
    return folder_below(incoming(project), key)


def batch_file(number: int) -> str:
    """In a batch's folder: its first, second … file of recordings."""
    return f"recordings-{number:05d}.parquet" if number > 1 else RECORDINGS


def renewed_batch_file(sha256: str) -> str:
    """In a batch's folder: a file of recordings that replaces another, named by its content."""
    return f"recordings-{part(sha256)[:16]}.parquet"


def is_batch_file(name: str) -> bool:
    """Return True if `batch_file` or `renewed_batch_file` gives such names."""
    return bool(_BATCH_FILE.fullmatch(name))


def can_name_recordings(name: str) -> bool:
    """Return True if a batch may call a file of recordings so."""
    return is_safe(name) and is_parquet(name)


def batch_recordings(project: str, batch: str, name: str = RECORDINGS) -> str:
    """A file of recordings of a batch."""
    return incoming(project, batch) + part(name)


def original_name(sha256: str, suffix: str) -> str:
    """In a batch's folder: a foreign file, named by its content; `suffix` begins with a point."""
    return f"originals/{part(sha256)}{suffix}"


def batch_original(project: str, batch: str, file: str) -> str:
    """A foreign file of a batch; `file` may have folders."""
    return incoming(project, batch) + path_parts(file)


def batch_ready(project: str, batch: str) -> str:
    """The ready mark of a batch."""
    return incoming(project, batch) + READY


def ready_batch(project: str, key: str) -> str | None:
    """The batch, as it was sent, whose ready mark lies at a key; None where none does."""
    return between(incoming(project), key, f"/{READY}")


def quarantines(project: str) -> str:
    """Folder of all that gates refused."""
    return f"{part(project)}/quarantine/"


def quarantine(project: str, name: str) -> str:
    """Folder of what a gate refused of a batch, a label set or a file of frames, by its name."""
    return quarantines(project) + f"{part(name)}/"


def quarantine_reason(project: str, name: str) -> str:
    """Why a gate refused something, or a part of it."""
    return quarantine(project, name) + REASON


def labels_input(set_id: str) -> str:
    """A label set's name among inputs of other kinds: in quarantine, and where they are listed."""
    return f"labels-{set_id}"


def frames_input(file_id: str) -> str:
    """The name of a file of frames among inputs of other kinds: in quarantine."""
    return f"frames-{file_id}"


def frames_of_input(name: str) -> str | None:
    """The file of frames that `frames_input` gave a name; None where it gave none."""
    return between("frames-", name, "")


def dataset(project: str, version: str = "") -> str:
    """Folder of one dataset version, or of all."""
    return f"{part(project)}/datasets/{part(version) + '/' if version else ''}"


def is_dataset(folder: str) -> bool:
    """Return True if a folder directly below that of all dataset versions is one of them."""
    return folder != _FILES


def dataset_manifest(project: str, version: str) -> str:
    """Written last: the dataset version is complete."""
    return dataset(project, version) + "manifest.json"


def dataset_files(project: str) -> str:
    """Folder of the files that versions share."""
    return dataset(project, _FILES)


def dataset_file(project: str, sha256: str) -> str:
    """A Parquet file of recordings, named by its content and shared between versions."""
    return dataset_files(project) + f"{part(sha256)}.parquet"


def dataset_file_sha256(project: str, key: str) -> str | None:
    """Hash of the shared Parquet file at a key; None where there is none."""
    return between(dataset_files(project), key, ".parquet")


def dataset_labels(project: str, sha256: str) -> str:
    """Labels that supersede those of the recordings; named by its content like the files."""
    return dataset_files(project) + f"{part(sha256)}.json"


def label_requests(project: str) -> str:
    """Folder of all requests for labels."""
    return f"{part(project)}/labels/requests/"


def label_request(project: str, request: str) -> str:
    """A request for labels, or for labelled recordings; written once by monitor."""
    return label_requests(project) + f"{part(request)}.json"


def label_request_id(project: str, key: str) -> str | None:
    """The request for labels that lies at a key; None where none does."""
    return between(label_requests(project), key, ".json")


def label_sets(project: str) -> str:
    """Folder of all label sets, as submitted."""
    return f"{part(project)}/labels/sets/"


def label_set(project: str, set_id: str) -> str:
    """A label set, named by its content; whoever labels writes it."""
    return label_sets(project) + f"{part(set_id)}.json"


def sent_label_set(project: str, name: str) -> str:
    """A label set by the name that it came under, whatever that is."""
    return label_sets(project) + f"{name}.json"


def label_set_id(project: str, key: str) -> str | None:
    """The label set, as it was sent, that lies at a key; None where none does."""
    return between(label_sets(project), key, ".json")


def accepted_labels(project: str, set_id: str = "") -> str:
    """Those labels of a set that ingest accepted; or the folder of all of them."""
    return f"{part(project)}/labels/accepted/" + (f"{part(set_id)}.json" if set_id else "")


def accepted_labels_id(project: str, key: str) -> str | None:
    """The label set whose accepted labels lie at a key; None where none do."""
    return between(accepted_labels(project), key, ".json")
