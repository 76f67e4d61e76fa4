"""A public data set: what is known of it, and all of its files in a folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tinyops.data.recordings.download.fetch import DownloadError, fetch
from tinyops.file_hash import file_sha256

PINS = "SHA256SUMS"
"""In the set's folder: hashes of its files as they came first, for `sha256sum -c` too."""


@dataclass(frozen=True)
class PublicFile:
    """One file; `path` is below the set's folder, `size` and `sha256` where published."""

    url: str
    path: str
    size: int | None = None
    sha256: str = ""


@dataclass(frozen=True)
class PublicSet:
    """What is known of a data set, and what is not.

    Parameters
    ----------
    size
        How much it is in all, in words.
    checksum
        Who published the checksums; or that nobody has.
    notes
        Oddities that whoever trains on it must know.
    needs
        What a project must sense for the commands to fit.
    commands
        From the folder that holds the set's folder: how its files become recordings. {project}
        stands for the project.
    """

    name: str
    title: str
    homepage: str
    licence: str
    citation: str
    size: str
    checksum: str
    notes: tuple[str, ...]
    needs: str
    commands: tuple[str, ...]
    files: tuple[PublicFile, ...]

    def told(self) -> list[tuple[str, str]]:
        """What a person reads before anything is fetched."""
        hosts = sorted({file.url.split("/")[2] for file in self.files})
        return [
            ("from", f"{self.homepage} (files: {', '.join(hosts)})"),
            ("first file", self.files[0].url),
            ("size", f"{len(self.files)} files, {self.size}"),
            ("checksum", self.checksum),
            ("licence", self.licence),
            ("cite", self.citation),
            *(("note", note) for note in self.notes),
        ]


@dataclass(frozen=True)
class Downloaded:
    """A file that is there and was checked. `pinned`: it came for the first time, and nobody has
    published what its hash should be."""

    path: Path
    sha256: str
    pinned: bool


def download_set(
    wanted: PublicSet,
    folder: Path,
    progress: Callable[[PublicFile, int, int | None], object] = lambda file, done, total: None,
    *,
    pause: float = 1.0,
) -> list[Downloaded]:
    """All files of a set, in `folder`; those that are there already are checked, not fetched.

    Raises
    ------
    DownloadError
        A file cannot be fetched, or its hash is neither the published one nor the one it had when
        it came first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pins = _pins(folder)
    found = []
    for file in wanted.files:
        path = folder / file.path
        if not path.exists():

            def told(done: int, total: int | None, file: PublicFile = file) -> None:
                progress(file, done, total)

            fetch(file.url, path, file.size, progress=told, pause=pause)
        expected = file.sha256 or pins.get(file.path, "")
        sha256 = file_sha256(path)
        if expected and sha256 != expected:
            refused = path.replace(path.with_name(path.name + ".refused"))
            raise DownloadError(
                f"{file.url}: SHA-256 is {sha256}, {_whose(file)} {expected}",
                f"do not use it: it is kept as {refused}; look at {wanted.homepage}",
            )
        if not expected:
            with (folder / PINS).open("a") as sums:
                sums.write(f"{sha256}  {file.path}\n")
        found.append(Downloaded(path, sha256, pinned=not expected))
    return found


def _whose(file: PublicFile) -> str:
    return "published is" if file.sha256 else "when it came first it was"


def _pins(folder: Path) -> dict[str, str]:
    try:
        lines = (folder / PINS).read_text().splitlines()
    except OSError:
        return {}
    pairs = [line.split("  ", 1) for line in lines if "  " in line]
    return {path: sha256 for sha256, path in pairs}
