"""A label request: what monitoring asks people to do about a device, and whether it is answered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator

from tinyops.data.labels.label_set import LabelError
from tinyops.projects import Project
from tinyops.store import Consumer, ObjectMissing, Receipt, Store, layout, receipts
from tinyops.wrong_key import wrong_key

Kind = Literal["data drift", "concept drift", "look"]


class LabelRequest(BaseModel):
    """What monitoring asks for; written once, never changed.

    Parameters
    ----------
    id
        Hash of device, release, reference tag and kind: another release asks again.
    kind
        data drift: label new recordings of the device. concept drift: label `recordings` again.
        look: see what is wrong with the device or its sensor; nothing to label.
    span
        What the verdict rests on: `epoch`, `first_window`, `last_window`, `n` frames, and at how
        many `seconds` of the device's own time.
    virtual
        Whether the device is a virtual one.
    verdict
        Id of the verdict that led to it.
    about
        About how many recordings are asked for; 0 with `look`.
    instructions
        What to do, in a sentence.
    recordings
        Ids, those of validation and test parts first; empty but for concept drift.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: str = Field(min_length=1)
    project: str
    device: str
    release: str
    reference_tag: str
    kind: Kind
    span: dict[str, Any]
    virtual: bool
    verdict: str
    about: int = Field(ge=0)
    instructions: str
    recordings: tuple[str, ...]
    at: AwareDatetime

    @field_validator("at")
    @classmethod
    def _utc(cls, value: datetime) -> datetime:
        return value.astimezone(UTC)


def publish_request(store: Store, request: LabelRequest) -> None:
    """Write a request to where people and their tools look for it."""
    key = layout.label_request(request.project, request.id)
    store.put_json(key, request.model_dump(mode="json"))


def open_requests(store: Store, project: Project | str) -> list[LabelRequest]:
    """Requests that nobody has answered, oldest first.

    Raises
    ------
    LabelError
        One cannot be read; names its object.
    """
    name = project if isinstance(project, str) else project.name
    there = list(_ids(store, name))
    waiting = receipts.outstanding(store, name, Consumer.ANSWER, there) if there else []
    return sorted((find_request(store, name, one) for one in waiting), key=lambda one: one.at)


def requests_about(store: Store, project: str, device: str) -> list[LabelRequest]:
    """All requests about a device, answered or not, oldest first; LabelError as open_requests."""
    every = (find_request(store, project, one) for one in _ids(store, project))
    return sorted((one for one in every if one.device == device), key=lambda one: one.at)


def find_request(store: Store, project: Project | str, request: str) -> LabelRequest:
    """A request, answered or not.

    Raises
    ------
    LabelError
        There is no such request, or its object cannot be read.
    """
    name = project if isinstance(project, str) else project.name
    key = layout.label_request(name, request)
    try:
        found = LabelRequest.model_validate_json(store.get(key))
    except ObjectMissing:
        raise LabelError(
            f"{name} has no request {request!r}", "see `tinyops label requests`"
        ) from None
    except ValidationError as error:
        wrong, message, _ = wrong_key(error)
        problem = f"{wrong}: {message}" if wrong else message
    else:
        if (found.project, found.id) == (name, request):
            return found
        problem = f"it is request {found.id} of {found.project}"
    raise LabelError(
        f"request {request} of {name}: {problem}",
        f"delete {store.uri(key)}; monitor asks again while its verdict stands",
    )


def answered(store: Store, project: str, request: str, version: str, by: str) -> None:
    """Write that a request is answered; harmless for "" and when it was before."""
    if request:
        receipt = Receipt(Consumer.ANSWER, request, "done", version, f"answered by {by}")
        receipts.write(store, project, receipt)


def _ids(store: Store, project: str) -> Iterator[str]:
    for row in store.objects(layout.label_requests(project)):
        request = layout.label_request_id(project, row.key)
        if request is not None:
            yield request
