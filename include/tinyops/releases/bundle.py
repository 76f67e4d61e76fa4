"""The manifest of a release: what it holds, for which targets, and the evidence behind it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BundleImage(_Part):
    """One file for one board: `offset` is its flash address, `size` in bytes."""

    path: str
    offset: int = Field(ge=0)
    role: Literal["firmware", "model", "parameters"]
    sha256: Sha256
    size: int = Field(gt=0)


class BundleTarget(_Part):
    """What one kind of device gets."""

    board: str
    images: list[BundleImage] = Field(min_length=1)


class Manifest(_Part):
    """A release of a project."""

    project: str
    version: str
    created: str = Field(description="UTC, ISO 8601")
    dataset: str = Field(description="the dataset version the model was trained on")
    targets: dict[str, BundleTarget] = Field(min_length=1)
    evidence: dict[str, Sha256] = Field(description="file beside the manifest -> SHA-256")
