"""Images the gateway keeps: of each device the confirmed one and the one on its way, no others."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tinyops.gateway.log import say


class ImageStore:
    """Files named by their SHA-256, checked each time they are read.

    What an earlier process has left of a download is removed: a folder has one user.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for part in folder.glob("*.part"):
            part.unlink()
        self._folder = folder

    def path(self, sha256: str) -> Path:
        """Where an image is or goes."""
        return self._folder / f"{sha256}.bin"

    def read(self, sha256: str) -> bytes | None:
        """An image; None when it is not here, not whole, or on a part of the disk that fails."""
        try:
            data = self.path(sha256).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            say("image not readable", warn=True, sha256=sha256, problem=error)
            return None
        return data if hashlib.sha256(data).hexdigest() == sha256 else None

    def prune(self, keep: set[str]) -> None:
        """Remove every image but those named."""
        for path in self._folder.glob("*.bin"):
            if path.stem in keep:
                continue
            try:
                path.unlink(missing_ok=True)
            except OSError as error:  # a disk that is mounted read-only by now
                say("image not removed", warn=True, sha256=path.stem, problem=error)
