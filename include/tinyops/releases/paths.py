"""The paths of targets in the TUF repository. The store prefixes them with their hash."""

from __future__ import annotations

_IMAGE, _MANIFEST, _CHANNEL = "image.bin", "manifest.json", "channel.json"


def image(project: str, version: str, target: str) -> str:
    """The image of one target of a release."""
    return f"{project}/{version}/{target}/{_IMAGE}"


def manifest(project: str, version: str) -> str:
    """The manifest of a release."""
    return f"{project}/{version}/{_MANIFEST}"


def channel(project: str) -> str:
    """The pointer that says what a project's devices shall run."""
    return f"{project}/{_CHANNEL}"


def release_of(path: str) -> tuple[str, str] | None:
    """(project, version) of a file of a release; None for any other path."""
    match path.split("/"):
        case [project, version, _, name] if name == _IMAGE:
            return project, version
        case [project, version, name] if name == _MANIFEST:
            return project, version
    return None


def channel_of(path: str) -> str | None:
    """Project whose channel this is; None for any other path."""
    match path.split("/"):
        case [project, name] if name == _CHANNEL:
            return project
    return None
