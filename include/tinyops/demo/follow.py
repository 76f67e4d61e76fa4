"""Follow new data or labels through the loop by what is left in S3: receipts, gateway events."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from tinyops.fleet.events import read_events
from tinyops.fleet.gateways import gateway_names
from tinyops.store import Consumer, Pointer, Store, layout, receipts

State = Literal["waiting", "running", "done", "stopped"]
Arrival = Literal["batch", "labels"]

NEWEST = {Consumer.TRAIN: Pointer.DATASET, Consumer.RELEASE: Pointer.CANDIDATE}
"""Consumer -> the pointer to the one input that it takes."""

STAGES = ("data in", "gate", "train", "release", "flash", "attest")


@dataclass(frozen=True)
class Stage:
    """One stage of the loop: what it made, and when it was done (UTC)."""

    name: str
    state: State = "waiting"
    output: str = ""
    reason: str = ""
    done_at: datetime | None = None


@dataclass(frozen=True)
class Loop:
    """A batch, or a set of labels, on its way to a board."""

    project: str
    arrival: str
    stages: tuple[Stage, ...]

    @property
    def attested(self) -> bool:
        """Whether a board runs the model that came of this, and has shown it."""
        return self.stages[-1].state == "done"

    @property
    def release(self) -> str:
        """The version that came of it; empty before it was released."""
        return self.stages[3].output

    @property
    def stopped(self) -> Stage | None:
        """The stage that ended the loop early, or None."""
        return next((stage for stage in self.stages if stage.state == "stopped"), None)


def follow(store: Store, project: str, arrival: str, kind: Arrival = "batch") -> Loop:
    """Where the batch or set of labels is now. Reads S3 only; a handful of requests.

    Raises
    ------
    StoreError
        S3 cannot be read.
    """
    stages = [Stage(name) for name in STAGES]
    stages[0] = _landed(store, project, arrival, kind)
    consumed = arrival
    gate = Consumer.INGEST if kind == "batch" else Consumer.LABELS
    for index, consumer in ((1, gate), (2, Consumer.TRAIN), (3, Consumer.RELEASE)):
        if stages[index - 1].state != "done":
            break
        stages[index] = _receipted(store, project, consumer, consumed)
        consumed = stages[index].output
    if stages[3].state == "done":
        stages[4], stages[5] = _on_board(store, project, consumed, stages[0].done_at)
    return Loop(project, arrival, tuple(stages))


def _landed(store: Store, project: str, arrival: str, kind: Arrival) -> Stage:
    ready = layout.batch_ready if kind == "batch" else layout.label_set
    key = ready(project, arrival)
    for row in store.objects(key):
        if row.key == key:
            return Stage(STAGES[0], "done", output=arrival, done_at=row.last_modified)
    return Stage(STAGES[0])


def _receipted(store: Store, project: str, consumer: Consumer, input_id: str) -> Stage:
    name = {Consumer.TRAIN: STAGES[2], Consumer.RELEASE: STAGES[3]}.get(consumer, STAGES[1])
    receipt = receipts.read(store, project, consumer, input_id)
    if receipt is None and consumer in NEWEST:
        # Only the newest is taken; it holds what this batch brought, or was trained on it.
        key = layout.pointer(project, NEWEST[consumer])
        newest: dict[str, str] = store.get_json_or(key, {})
        if newest.get("version", input_id) != input_id:
            receipt = receipts.read(store, project, consumer, newest["version"])
    if receipt is None:
        return Stage(name, "running")
    at = datetime.fromisoformat(receipt.at)
    state: State = "done" if receipt.status == "done" else "stopped"
    return Stage(name, state, receipt.output, receipt.reason, at)


def _on_board(
    store: Store, project: str, version: str, since: datetime | None
) -> tuple[Stage, Stage]:
    """The stages flash and attest, from what all gateways wrote since the arrival."""
    flash, attest = Stage(STAGES[4], "running"), Stage(STAGES[5])
    for gateway in gateway_names(store):
        for stored in read_events(store, gateway, since):
            event = stored.event
            if event.project != project or event.version != version:
                continue
            at = datetime.fromisoformat(event.at)
            if event.kind == "flashed":
                flash = Stage(STAGES[4], "done", output=event.device, done_at=at)
                attest = replace(attest, state="running") if attest.state == "waiting" else attest
            elif event.kind == "attested":
                attest = Stage(STAGES[5], "done", output=event.device, done_at=at)
                if flash.state != "done":
                    flash = Stage(STAGES[4], "done", output=event.device, done_at=at)
            elif event.kind in ("restored", "refused"):
                attest = Stage(
                    STAGES[5], "stopped", output=event.device, reason=event.detail, done_at=at
                )
    return flash, attest


def arrivals(store: Store, version: str) -> dict[str, dict[str, str]]:
    """How each device came to a version: {device: {flashed, attested}}, as its gateway told it."""
    found: dict[str, dict[str, str]] = {}
    for gateway in gateway_names(store):
        for stored in read_events(store, gateway):
            event = stored.event
            if event.version == version and event.kind in ("flashed", "attested"):
                found.setdefault(event.device, {})[event.kind] = event.detail
    return found
