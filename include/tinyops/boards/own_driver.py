"""A driver of the operator's own: one module beside the board files in $TINYOPS_BOARDS.

Loading a module runs its code with the rights of this process. It is taken from that folder alone,
which only the operator names: no project, release or board file can name another.
"""

from __future__ import annotations

import functools
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from tinyops.boards.catalogue import own_folder
from tinyops.boards.errors import BoardError


def own_driver_file(name: str) -> Path | None:
    """`<name>.py` in the operator's folder, or None."""
    folder = own_folder()
    path = folder / f"{name}.py" if folder else None
    return path if path and path.is_file() else None


@functools.cache
def load_driver(path: Path) -> ModuleType:
    """The module of a file; it is run once.

    Raises
    ------
    BoardError
        The code fails, or there is no `flash` in it.
    """
    spec = importlib.util.spec_from_file_location(f"tinyops_own_driver.{path.stem}", path)
    assert spec is not None  # of any .py file there is one
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look for their module there
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[spec.name]
        raise BoardError(f"{path}: {type(error).__name__}: {error}", "correct the driver") from None
    if not callable(getattr(module, "flash", None)):
        raise BoardError(
            f"{path} has no flash(port, image, board, progress, ask)", "write it: docs/new-board.md"
        )
    return module
