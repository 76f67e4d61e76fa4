"""Which dataset version a word names: `current`, a version, or the beginning of one."""

from __future__ import annotations

from tinyops.data.datasets.dataset import DatasetError, current_version
from tinyops.projects import Project
from tinyops.store import Store, layout

CURRENT = "current"


def version_names(store: Store, project: Project | str) -> list[str]:
    """Every version that there is or was, sorted; those without a manifest too."""
    name = project if isinstance(project, str) else project.name
    return list(filter(layout.is_dataset, store.folders(layout.dataset(name))))


def find_version(store: Store, project: Project | str, word: str) -> str:
    """The version that a word names.

    Raises
    ------
    DatasetError
        None or several begin with it, or `current` is asked for before the first.
    """
    name = project if isinstance(project, str) else project.name
    if word == CURRENT:
        version = current_version(store, name)
        if version is None:
            raise DatasetError(f"{name} has no dataset version yet", "let ingest make one")
        return version
    known = version_names(store, name)
    found = [word] if word in known else [one for one in known if word and one.startswith(word)]
    if not found:
        raise DatasetError(
            f"{name} has no dataset version {word!r}", "see `tinyops data log` for those there are"
        )
    if len(found) > 1:
        raise DatasetError(
            f"{word!r} begins several dataset versions of {name}: {', '.join(found)}",
            "give more of it",
        )
    return found[0]
