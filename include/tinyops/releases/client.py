"""The reading side: nothing leaves here that the root of trust does not vouch for."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    RepositoryError,
)
from tuf.api.metadata import TargetFile
from tuf.ngclient import Updater, UpdaterConfig

from tinyops.releases import paths
from tinyops.releases.bounded_read import BoundedReader
from tinyops.releases.bundle import Manifest
from tinyops.releases.errors import (
    ClockWrong,
    ReleaseAbsent,
    ReleaseBusy,
    ReleaseError,
    ReleaseRefused,
    ReleaseUnavailable,
)
from tinyops.releases.fetcher import StoreFetcher
from tinyops.releases.pruning import TARGETS_MAX_BYTES
from tinyops.releases.rollout import Channel
from tinyops.store import Store, edge_layout
from tinyops.store.bucket import fix_of_outage
from tinyops.wrong_key import wrong_key

T = TypeVar("T")
# A manifest or channel is read into memory; an image goes to a file and is bounded by its length.
SMALL = 1 << 20
# Manifests are of one release each: without a limit the cache would grow with their number.
CACHED = 256
POLL_SECONDS = 20.0
"""Default limit for reading all metadata and the channels of one poll."""
IMAGE_SECONDS = 60.0
SLOWEST_LINE = 2048
"""Bytes per second. An image may take IMAGE_SECONDS and its size by this."""


class ReleaseClient:
    """Verified releases, from the bucket or from the cache; safe to share between threads.

    Parameters
    ----------
    store
        The bucket.
    root
        The trusted root metadata this client starts from (the content of root.json).
    cache
        A folder of its own: the newest metadata seen (which is what defeats replays) and small
        targets.
    poll_seconds
        Limit for `refresh` and for the small targets that are read after it.

    Raises
    ------
    ReleaseError
        The cache cannot be written.
    """

    def __init__(
        self, store: Store, root: bytes, cache: Path, poll_seconds: float = POLL_SECONDS
    ) -> None:
        self._store = store
        self._poll_seconds = poll_seconds
        self._root = root
        self._metadata = cache / "metadata"
        self._targets = cache / "targets"
        self._lock = threading.RLock()
        self._updater: Updater | None = None
        self._reader = BoundedReader()
        self._fetcher = StoreFetcher(store, self._reader)
        with self._on_disk():
            self._metadata.mkdir(parents=True, exist_ok=True)
            self._targets.mkdir(parents=True, exist_ok=True)
            self._prune()

    def refresh(self) -> None:
        """Take over the newest metadata; what was verified before stays in use when this fails.

        Raises
        ------
        ReleaseRefused
            The repository offers metadata that is unsigned, older than seen before, or expired.
        ReleaseUnavailable
            The repository cannot be read, or not in time.
        ReleaseBusy
            Another thread still downloads an image.
        ClockWrong
            The metadata may be current, but not by this machine's clock.
        ReleaseError
            The cache cannot be written.
        """
        with self._locked(self._poll_seconds):
            self._fetcher.allow(self._poll_seconds)
            updater = self._verified("the release metadata", self._new_updater)
            self._verified("the release metadata", updater.refresh)
            self._updater = updater

    def channel(self, project: str) -> Channel | None:
        """What the project's devices shall run; None before its first release."""
        data = self._small(paths.channel(project))
        if data is None:
            return None
        try:
            channel = Channel.model_validate_json(data)
        except ValidationError as error:
            raise ReleaseRefused(f"{paths.channel(project)}: {_finding(error)}") from None
        if channel.project != project:
            raise ReleaseRefused(f"{paths.channel(project)} is about {channel.project}")
        return channel

    def manifest(self, project: str, version: str) -> Manifest:
        """The manifest of a release."""
        path = paths.manifest(project, version)
        data = self._small(path)
        if data is None:
            raise ReleaseRefused(f"{path} is not signed", "release the version again")
        try:
            manifest = Manifest.model_validate_json(data)
        except ValidationError as error:
            raise ReleaseRefused(f"{path}: {_finding(error)}") from None
        if (manifest.project, manifest.version) != (project, version):
            raise ReleaseRefused(f"{path} is about {manifest.project} {manifest.version}")
        return manifest

    def has_image(self, project: str, version: str, target: str) -> bool:
        """Whether an image for this target is signed."""
        with self._lock:
            return self._info(paths.image(project, version, target)) is not None

    def image_sha256(self, project: str, version: str, target: str) -> str:
        """The signed SHA-256 of an image; ReleaseRefused when the release has none for it."""
        with self._lock:
            return str(self._image_info(project, version, target).hashes["sha256"])

    def download_image(self, project: str, version: str, target: str, to: Path) -> Path:
        """Fetch an image into a file, verified before the file appears under its name."""
        with self._lock:
            info = self._image_info(project, version, target)
            updater = self._current()
            with self._on_disk():
                to.parent.mkdir(parents=True, exist_ok=True)
            part = to.with_name(to.name + ".part")
            if updater.find_cached_target(info, str(to)) is None:
                self._fetcher.allow(IMAGE_SECONDS + info.length / SLOWEST_LINE)
                try:
                    self._verified(info.path, lambda: updater.download_target(info, str(part)))
                    with self._on_disk(), part.open("rb") as file:
                        os.fsync(file.fileno())
                        part.replace(to)
                finally:
                    # A full disk is no place for half an image.
                    part.unlink(missing_ok=True)
            return to

    @contextmanager
    def _locked(self, seconds: float) -> Iterator[None]:
        if not self._lock.acquire(timeout=seconds):
            raise ReleaseBusy("an image is still being downloaded", "Wait, or check the line.")
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def _on_disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ReleaseError(
                f"release cache {self._metadata.parent}: {error}",
                f"Free space on the disk of {self._metadata.parent}.",
            ) from None

    def _prune(self) -> None:
        """Remove what a killed process left half written, and all but the newest small targets."""
        # tuf 7.0.1 writes metadata to a tempfile of this name beside it and renames that.
        leftovers = list(self._metadata.glob("tmp????????"))
        newest_first = sorted(
            (path for path in self._targets.iterdir() if path.is_file()),
            key=lambda path: path.stat().st_mtime_ns,
            reverse=True,
        )
        for path in [*leftovers, *newest_first[CACHED:]]:
            path.unlink(missing_ok=True)

    def _image_info(self, project: str, version: str, target: str) -> TargetFile:
        path = paths.image(project, version, target)
        info = self._info(path)
        if info is None:
            raise ReleaseRefused(
                f"{project} {version} has no image for {target}",
                "build it where that target's toolchain is, or correct the device's target",
            )
        return info

    def _small(self, path: str) -> bytes | None:
        with self._locked(self._poll_seconds):
            info = self._info(path)
            if info is None:
                return None
            if info.length > SMALL:
                raise ReleaseRefused(f"{path} is {info.length} bytes long, {SMALL} at most")
            updater = self._current()
            cached = updater.find_cached_target(info)
            if cached is None:
                # The line may be slow by now: the time of the poll that called for it is over.
                self._fetcher.extend(self._poll_seconds)
                cached = self._verified(path, lambda: updater.download_target(info))
            with self._on_disk():
                return Path(cached).read_bytes()

    def _info(self, path: str) -> TargetFile | None:
        updater = self._current()
        return self._verified(path, lambda: updater.get_targetinfo(path))

    def _current(self) -> Updater:
        if self._updater is None:
            raise ReleaseUnavailable("no release metadata has been read yet", "refresh first")
        return self._updater

    def _new_updater(self) -> Updater:
        # An Updater refreshes once in its life; the cache folder carries what was seen.
        return Updater(
            str(self._metadata),
            edge_layout.TUF_METADATA,
            str(self._targets),
            edge_layout.TUF_TARGETS,
            fetcher=self._fetcher,
            config=UpdaterConfig(targets_max_length=TARGETS_MAX_BYTES),
            bootstrap=self._root,
        )

    def _verified(self, what: str, call: Callable[[], T]) -> T:
        try:
            return call()
        except ExpiredMetadataError as error:
            self._blame_clock()
            raise ReleaseRefused(
                _unverified(what, error),
                "Have `tinyops__maintain` run, which signs it again. Check this machine's clock."
                if not self._store.clock.known
                else "Have `tinyops__maintain` run, which signs it again.",
            ) from None
        except BadVersionNumberError as error:
            raise ReleaseRefused(
                _unverified(what, error),
                "Look for a cache or proxy in front of S3 that answers with old copies. Otherwise "
                "find out who put back an old copy.",
            ) from None
        except (RepositoryError, DownloadLengthMismatchError) as error:
            raise ReleaseRefused(
                _unverified(what, error),
                "nothing was changed; find out who wrote to the bucket, or sign again",
            ) from None
        except DownloadHTTPError as error:
            if error.status_code in (401, 403):
                self._blame_clock()
            kind = ReleaseAbsent if error.status_code == 404 else ReleaseUnavailable
            raise kind(f"{what}: {error}", "wait, or check the S3 endpoint") from None
        except DownloadError as error:
            raise ReleaseUnavailable(f"{what}: {error}", fix_of_outage(str(error))) from None
        except OSError as error:
            raise ReleaseError(
                f"{what}: {error}", f"Free space on the disk of {self._metadata.parent}."
            ) from None

    def _blame_clock(self) -> None:
        """Raise ClockWrong if this machine's clock explains why something was refused."""
        if self._store.clock.off:
            raise ClockWrong(*self._store.clock.describe())


def _unverified(what: str, error: Exception) -> str:
    return f"{what} does not verify: {type(error).__name__}: {error}"


def _finding(error: ValidationError) -> str:
    key, reason, _ = wrong_key(error)
    return f"{key}: {reason}" if key else reason
