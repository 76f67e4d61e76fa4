"""The board catalogue: one YAML file a board, every number with its source.

Boards of the operator's own are files of the same form in the folder $TINYOPS_BOARDS.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path

from pydantic import ValidationError

from tinyops.boards.board import Board
from tinyops.errors import TinyOpsError
from tinyops.wrong_key import wrong_key
from tinyops.yaml_text import YamlFileError, read_yaml

FOLDER = Path(__file__).with_name("catalogue")
OWN = "TINYOPS_BOARDS"


class CatalogueError(TinyOpsError):
    """No such board, or its YAML file is wrong."""


def own_folder() -> Path | None:
    """The folder of the operator's own boards and drivers, $TINYOPS_BOARDS; None if it is not set.

    Raises
    ------
    CatalogueError
        It is no folder, or not absolute: code is loaded from it, and which must not depend on where
        a process was started.
    """
    named = os.environ.get(OWN)
    if not named:
        return None
    folder = Path(named)
    if not folder.is_absolute() or not folder.is_dir():
        raise CatalogueError(
            f"{OWN}: no folder {named!r}", "give the absolute path of a folder, or unset it"
        )
    return folder


def board_names() -> list[str]:
    """Names of all boards, sorted."""
    return sorted(_files())


def load_board(name: str) -> Board:
    """One board. Its file is read once.

    Raises
    ------
    CatalogueError
        No such board, two of that name, or a wrong key in its file.
    """
    files = _files()
    if name not in files:
        raise CatalogueError(f"no board {name!r}", f"use one of: {', '.join(sorted(files))}")
    return _read(files[name])


def _files() -> dict[str, Path]:
    found = {path.stem: path for path in FOLDER.glob("*.yaml")}
    own = own_folder()
    for path in own.glob("*.yaml") if own else ():
        if path.stem in found:
            raise CatalogueError(
                f"two boards are called {path.stem}: {found[path.stem]} and {path}",
                "give yours another name",
            )
        found[path.stem] = path
    return found


@functools.cache
def _read(path: Path) -> Board:
    try:
        board = Board.model_validate(read_yaml(path))
    except YamlFileError as error:
        raise CatalogueError(f"{path}{error.where}: {error.reason}", "write valid YAML") from None
    except OSError as error:
        raise CatalogueError(f"{path}: {error.strerror}", "make it a readable file") from None
    except ValidationError as error:
        key, reason, fix = wrong_key(error)
        raise CatalogueError(f"{path}: {key or 'the file'}: {reason}", fix) from None
    if board.name != path.stem:
        raise CatalogueError(f"{path}: name: {board.name!r}", f"call it {path.stem}")
    return board
