"""The `frontend:` section of project.yaml: how a window of samples becomes the model's input."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tinyops.projects.section import Section


class FrontendSection(Section):
    """Which frontend a project uses; scaled samples or spectral features."""

    kind: Literal["samples", "spectrum"]
    decimate: int = Field(default=1, ge=1, le=64, description="samples: average this many")
    range: list[float] | None = Field(
        default=None,
        description="samples: per channel, the physical value at int8 127; full_scale by default",
    )
    carriers: int = Field(default=8, ge=1, le=32, description="spectrum: bands to demodulate")
    bins: int = Field(default=128, ge=16, le=1024, description="spectrum: values per band")
