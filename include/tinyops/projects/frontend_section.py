"""The `frontend:` section of project.yaml: how a window of samples becomes the model's input."""

from __future__ import annotations

from typing import Literal

from tinyops.projects.section import Section


class FrontendSection(Section):
    """Which frontend a project uses; scaled samples or spectral features."""

    kind: Literal["samples", "spectrum"]
