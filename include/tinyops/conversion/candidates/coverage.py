"""Second look at a candidate's classes: its figures say nothing of a class without windows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinyops.errors import TinyOpsError
from tinyops.projects import Project
from tinyops.projects.coverage import coverage_gaps


class UnfitCandidate(TinyOpsError):
    """The data that a candidate was made of lacks a class of the project."""


def check_coverage(project: Project, manifest: Mapping[str, Any]) -> None:
    """Check the windows that candidate.json counts, {part: {class: windows}}.

    Raises
    ------
    UnfitCandidate
        A class of the project has no windows in train, validation or test.
    """
    if gaps := coverage_gaps(manifest.get("windows", {}), project.labels):
        raise UnfitCandidate(
            f"candidate {manifest['run']} of {project.name} is not released, counted in windows: "
            f"{gaps}",
            "send recordings of the class that is absent and train again",
        )
