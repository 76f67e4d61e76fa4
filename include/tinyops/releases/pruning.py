"""Which releases remain in the signed metadata, and how large it may become.

Each release adds about 1.5 kB for four boards, and gateways refuse metadata of more than
TARGETS_MAX_BYTES. So a project keeps the releases that its channel names and its newest others. A
dropped release stays in the bucket and is signed again when it is put on trial.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tuf.api.metadata import TargetFile

from tinyops.releases import paths

RELEASES_KEPT = 100
"""Releases of a project that stay signed, beside those that its channel names."""
TARGETS_MAX_BYTES = 5_000_000
"""Size limit of targets.json, of gateways too: about 30 projects with RELEASES_KEPT releases."""

Release = tuple[str, str]
"""(project, version)"""


def without_old_releases(files: Mapping[str, TargetFile]) -> dict[str, TargetFile]:
    """Return the files that remain signed: all but those of old releases."""
    created: dict[Release, str] = {}
    for path, file in files.items():
        if (release := paths.release_of(path)) is not None:
            created.setdefault(release, "")
            if path == paths.manifest(*release):
                created[release] = str((file.custom or {}).get("created", ""))
    old = _old(created) - _named(files)
    return {path: file for path, file in files.items() if paths.release_of(path) not in old}


def _old(created: Mapping[Release, str]) -> set[Release]:
    """Releases beyond the newest RELEASES_KEPT of their project."""
    old: set[Release] = set()
    for project in {project for project, _ in created}:
        own = [release for release in created if release[0] == project]
        own.sort(key=lambda release: (created[release], release), reverse=True)
        old.update(own[RELEASES_KEPT:])
    return old


def _named(files: Mapping[str, TargetFile]) -> set[Release]:
    """Releases that a channel names, as the one on trial or as the stable one."""
    named: set[Release] = set()
    for path, file in files.items():
        if (project := paths.channel_of(path)) is not None:
            channel = json.loads((file.custom or {}).get("channel", "{}"))
            named |= {(project, str(channel.get(key))) for key in ("version", "stable")}
    return named
