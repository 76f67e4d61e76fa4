"""The paths of targets in the TUF repository. The store prefixes them with their hash."""

from __future__ import annotations


def image(project: str, version: str, target: str) -> str:
    """The image of one target of a release."""
    return f"{project}/{version}/{target}/image.bin"


def manifest(project: str, version: str) -> str:
    """The manifest of a release."""
    return f"{project}/{version}/manifest.json"


def channel(project: str) -> str:
    """The pointer that says what a project's devices shall run."""
    return f"{project}/channel.json"
