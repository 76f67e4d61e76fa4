"""Folders that their owner alone can open."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def private_folder(path: Path) -> Path:
    """Make a folder with mode 0700, or give one of this user's that mode; returns it.

    A folder that all users share (sticky, such as /tmp) or that is another user's stays as it is.
    """
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    facts = path.stat()
    if facts.st_uid == os.geteuid() and facts.st_mode & 0o077 and not facts.st_mode & stat.S_ISVTX:
        path.chmod(0o700)
    return path
