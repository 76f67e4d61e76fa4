"""Ingest of damaged and hostile files, and the invariants of every refusal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.data.foreign_files import NAMES, three_axes
from tests.support.data.hostile_files import TRACE
from tinyops.data.datasets.dataset import current_version
from tinyops.data.ingest.ingest import ingest_batch, outstanding_batches
from tinyops.projects import Project
from tinyops.store import Store, layout

PROJECT: Project = three_axes(window=64).model_copy(update={"name": "hostile"})
# Nobody says the class: what is readable after all is refused by the gate.
SAID = {"machine": "m", "channels": list(NAMES), "gain": 1.0, "recorded_at": "2026-01-01T00:00:00Z"}
WRITTEN = ("quarantine/", "receipts/ingest/", "reports/data-docs/")
REASONS: dict[str, str] = {}
"""(what was handed in) -> why it was refused, over all tests of this file."""


def original(name: str, content: bytes, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        **more,
    }


def taken_in(
    store: Store, own_tmp: Path, batch: str, files: Mapping[str, bytes], ready: bytes
) -> dict[str, Any]:
    """Hand in a batch, ingest it, and check what must hold of any; what reason.json says."""
    for name, content in files.items():
        store.put(layout.sent_batch(PROJECT.name, batch) + name, content)
    store.put(layout.sent_ready(PROJECT.name, batch), ready)
    before = {row.key: row.etag for row in store.objects("")}
    assert outstanding_batches(store, PROJECT) == [batch]
    answer = ingest_batch(store, PROJECT, batch)
    after = {row.key: row.etag for row in store.objects("")}
    assert answer["status"] == "quarantined"
    assert (answer["dataset"], current_version(store, PROJECT)) == (None, None)
    new = {key for key, etag in after.items() if before.get(key) != etag}
    stray = {key for key in new if not key.removeprefix(f"{PROJECT.name}/").startswith(WRITTEN)}
    assert stray == set()
    assert before.keys() <= after.keys()
    assert list(own_tmp.iterdir()) == []
    assert not TRACE.exists()
    assert outstanding_batches(store, PROJECT) == []
    content: dict[str, Any] = store.get_json(store.key(answer["uri"]))
    assert " -> " in answer["reason"] or content["refusals"], answer
    return content


def files_taken_in(
    store: Store, own_tmp: Path, batch: str, files: list[tuple[str, str, bytes, dict[str, Any]]]
) -> dict[str, str]:
    """Hand in foreign files (title, path, content, more); {title: reason} of those not readable."""
    keys = {
        f"{number:03d}{Path(path).suffix}": body for number, (_, path, body, _) in enumerate(files)
    }
    listed = [
        original(key, content, **{"path": path, **more})
        for (key, content), (_, path, _, more) in zip(keys.items(), files, strict=True)
    ]
    ready = {"source": "test", "simulated": True, "said": SAID, "originals": listed}
    told = taken_in(store, own_tmp, batch, keys, json.dumps(ready).encode())
    titles = {key: title for key, (title, *_) in zip(keys, files, strict=True)}
    for each in told["files"]:
        assert each["reason"], each
        assert each["fix"], each
        assert "\n" not in each["reason"] + each["fix"]
        assert len(each["reason"]) < 800
    reasons = {titles[each["name"]]: f"{each['reason']} -> {each['fix']}" for each in told["files"]}
    # Who was readable after all, a recording each, has met the gate.
    readable = [title for title, *_ in files if title not in reasons]
    for each in told["refusals"]:
        assert all(each["reasons"])
        assert all(each["fixes"])
        reasons[readable[each["row"]]] = f"{each['reasons'][0]} -> {each['fixes'][0]}"
    REASONS.update(reasons)
    return reasons


def table() -> str:
    return "\n".join(f"{what:45} {reason[:110]}" for what, reason in sorted(REASONS.items()))
