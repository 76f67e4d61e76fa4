"""The world file of a virtual board: whether the world that it senses has changed.

FILE is JSON {"changed": bool}, written by whoever tells the story. Beside it the board says in
FILE.served which world it shows: {"changed": bool, "windows": n}, n the windows that the device had
got since its start when this world began.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

_SERVED = ".served"
LOOK_SECONDS = 0.2
"""How often the file's time is looked at, at most."""


class WorldFile:
    """Read again when it changes. A file that is missing or damaged leaves the world as it is.

    Parameters
    ----------
    say
        Takes one line for people; the same problem is told once.
    """

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self._path = path
        self._say = say
        self._looked_at = -LOOK_SECONDS
        self._stamp: tuple[int, int] | None = None
        self._changed = False
        self._problem = ""

    def changed(self) -> bool:
        """Whether the world has changed; False until the file says so."""
        if time.monotonic() - self._looked_at >= LOOK_SECONDS:
            self._looked_at = time.monotonic()
            problem = self._look()
            if problem and problem != self._problem:
                self._say(f"world file {self._path}: {problem}; the world stays as it is")
            self._problem = problem
        return self._changed

    def served(self, changed: bool, windows: int) -> None:
        """Say, in FILE.served, which world is shown from now on."""
        path = self._path.with_name(self._path.name + _SERVED)
        try:
            _replace(path, {"changed": changed, "windows": windows})
        except OSError as error:
            self._say(f"world file {path}: cannot be written: {error.strerror}")

    def _look(self) -> str:
        try:
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp == self._stamp:
                return self._problem
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except OSError as error:
            self._stamp = None
            return error.strerror or str(error)
        except (ValueError, RecursionError):
            self._stamp = stamp
            return "not JSON"
        self._stamp = stamp
        if not isinstance(content, dict) or not isinstance(content.get("changed"), bool):
            return 'not {"changed": true} or {"changed": false}'
        self._changed = content["changed"]
        return ""


def ask_world(path: Path, changed: bool) -> None:
    """Write the world file; the virtual board takes it within LOOK_SECONDS of its next samples."""
    _replace(path, {"changed": changed})


def served_since(path: Path, changed: bool) -> int | None:
    """The window, since the device's start, at which this world began; None while it has not."""
    try:
        content = json.loads(path.with_name(path.name + _SERVED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return int(content["windows"]) if content["changed"] is changed else None


def _replace(path: Path, content: dict[str, object]) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(content), encoding="utf-8")
    part.replace(path)
