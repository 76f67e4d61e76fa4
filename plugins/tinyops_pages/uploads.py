"""Files that come with a form, kept in a folder under the names that they had."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from starlette.datastructures import UploadFile

from tinyops.data.recordings.importers import ImportRefused

_NAME_BYTES = 200


def keep(files: Sequence[Any], folder: Path) -> list[Path]:
    """Write the files that were chosen to a folder; what a browser sends for none is left out.

    Raises
    ------
    ImportRefused
        A name is none that a file can have, or two files have the same.
    OSError
        The disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for file in files:
        if not isinstance(file, UploadFile) or not file.filename:
            continue
        # Some browsers send the folder too, with the separator of their system.
        name = PureWindowsPath(PurePosixPath(file.filename).name).name
        if not name or not name.isprintable() or len(name.encode(errors="replace")) > _NAME_BYTES:
            raise ImportRefused(
                f"{name[:40]!a} is no name of a file", "give it a plain, short name"
            )
        path = folder / name
        if path.exists():
            raise ImportRefused(f"two files are called {name}", "give each its own name")
        with path.open("wb") as out:
            shutil.copyfileobj(file.file, out, 1 << 20)
        paths.append(path)
    return paths
