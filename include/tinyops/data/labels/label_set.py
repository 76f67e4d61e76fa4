"""A label set: what one person or system says about recordings at one moment; it never changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from tinyops.errors import TinyOpsError
from tinyops.projects import Project
from tinyops.store import Store, content_id, layout
from tinyops.wrong_key import wrong_key

Source = Literal["operator", "work_order", "audit", "import", "simulator"]


class LabelError(TinyOpsError):
    """Labels cannot be handed in or read; names the set, the key and the fix."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LabelRow(_Strict):
    """The class of one recording."""

    recording_id: str = Field(min_length=1)
    label: str = Field(min_length=1)
    note: str = ""


class LabelSet(_Strict):
    """Labels with where they come from.

    Parameters
    ----------
    source
        `audit` labels are evidence about a model, not training truth: a later set supersedes or
        adopts them.
    at
        When the labels were given, with a time zone.
    request
        The request that they answer, or "".
    adopt_audits
        Audits up to now become training truth.
    """

    project: str
    source: Source
    author: str = Field(min_length=1)
    at: AwareDatetime
    labels: tuple[LabelRow, ...] = Field(min_length=1)
    request: str = ""
    adopt_audits: bool = False
    note: str = ""

    @field_validator("at")
    @classmethod
    def _utc(cls, value: datetime) -> datetime:
        return value.astimezone(UTC)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.request and not layout.is_safe(self.request):
            raise ValueError(f"request: {self.request!r} cannot name a request")
        if self.request and self.source == "audit":
            raise ValueError("request: an audit is evidence and answers no request")
        return self

    @property
    def id(self) -> str:
        """A hash of the content."""
        return content_id(self.model_dump(mode="json"))


def publish_labels(store: Store, project: Project | str, labels: LabelSet) -> str:
    """Hand in a set; ingest checks and applies it. Writing it twice is harmless. Returns its URI.

    Raises
    ------
    LabelError
        The set is another project's.
    """
    name = project if isinstance(project, str) else project.name
    if labels.project != name:
        raise LabelError(
            f"label set {labels.id}: project is {labels.project!r}, not {name!r}",
            "name the project whose recordings they are",
        )
    return store.put_json(layout.label_set(name, labels.id), labels.model_dump(mode="json"))


def parse_labels(text: bytes, name: str) -> LabelSet:
    """Read the JSON of a set; `name` is named in errors.

    Raises
    ------
    LabelError
        It is no JSON, or a key is missing, unknown or wrong.
    """
    try:
        return LabelSet.model_validate_json(text)
    except ValidationError as error:
        key, message, _ = wrong_key(error)
        raise LabelError(
            f"label set {name}: {f'{key}: ' if key else ''}{message}",
            f"correct {key or 'the file'} and publish the set again",
        ) from None
