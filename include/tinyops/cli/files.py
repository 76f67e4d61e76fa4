"""Files of a command: those that it reads are checked before it starts, and every error of a file
is one line that names it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from tinyops.errors import TinyOpsError

_CHECK = "check the path"
_RIGHTS = "choose a place that you have the rights to, or change them"
_FIXES = {
    errno.ENOENT: _CHECK,
    errno.ENOTDIR: "name a folder, not a file",
    errno.EISDIR: "name a file in that folder",
    errno.EEXIST: "name a folder, not a file, or choose another name",
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: _RIGHTS,
    errno.ENOSPC: "free some space, or choose another disk",
    errno.EDQUOT: "free some space, or choose another disk",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: _CHECK,
}


class FileError(TinyOpsError):
    """A file or folder that the user has named cannot be read or written."""


def existing_file(value: str) -> Path:
    """The path of a file that can be read: `parser` of Typer arguments.

    Raises
    ------
    FileError
        No such file, a folder, or no right to read it.
    """
    path = Path(value)
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise file_error(error) or error from None


def file_error(error: OSError) -> FileError | None:
    """The line for an error that names a file; None for any other."""
    fix = _FIXES.get(error.errno or 0)
    if fix is None or error.filename is None:
        return None
    return FileError(f"{os.fsdecode(error.filename)}: {error.strerror}", fix)
