"""The writing side of the TUF repository in S3 (TUF 1.0, consistent snapshots).

Files appear in the order targets, targets metadata, snapshot, timestamp. A reader that follows the
timestamp therefore never meets a file that is not there, and a writer that died half way leaves
files nobody refers to, which its next run overwrites.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import Metadata, MetaFile, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization import DeserializationError

from tinyops.releases.errors import ReleaseError
from tinyops.releases.keys import KeyFolder, write_durably
from tinyops.releases.pruning import TARGETS_MAX_BYTES, without_old_releases
from tinyops.store import ObjectMissing, Store, edge_layout

LIFE = {
    "targets": timedelta(days=365),
    "snapshot": timedelta(days=7),
    "timestamp": timedelta(days=1),
}
SignedRole = TypeVar("SignedRole", Targets, Snapshot, Timestamp)


@dataclass(frozen=True)
class NewTarget:
    """A file to sign; `custom` is signed with it and free in form."""

    path: str
    content: bytes
    custom: Mapping[str, Any]


@dataclass(frozen=True)
class _Current:
    targets: Metadata[Targets]
    snapshot: Metadata[Snapshot]
    timestamp: Metadata[Timestamp]


class Repository:
    """The repository of all projects; one per bucket.

    Parameters
    ----------
    store
        The bucket.
    keys
        The folder whose keys sign, and whose lock keeps two writers apart.
    """

    def __init__(self, store: Store, keys: KeyFolder) -> None:
        self.store = store
        self.keys = keys

    def publish(self, new: list[NewTarget], now: datetime | None = None) -> dict[str, int]:
        """Sign files into the repository; returns the version of each role.

        Files that are signed already with the same content and custom data change nothing, so a
        publication may be repeated after a crash at any point. Old releases are dropped from the
        metadata (see `releases.pruning`); their files stay.

        Raises
        ------
        ReleaseError
            The store holds metadata that does not verify, or older than this folder signed; or the
            new metadata exceeds what gateways accept.
        SigningKeyError
            A key is missing.
        """
        now = now or datetime.now(UTC)
        with self.keys.lock():
            current = self._current(now)
            files = dict(current.targets.signed.targets)
            for target in new:
                file = TargetFile.from_data(target.path, target.content, ["sha256"])
                if target.custom:
                    file.unrecognized_fields["custom"] = dict(target.custom)
                key = edge_layout.tuf_target(target.path, file.hashes["sha256"])
                self.store.put(key, target.content)
                files[target.path] = file
            files = without_old_releases(files)
            if files != current.targets.signed.targets:
                current.targets.signed.targets = files
                self._resign(current, now, {"targets", "snapshot", "timestamp"})
            return _versions(current)

    def refresh(self, now: datetime | None = None) -> list[str]:
        """Sign again every role with less than half its life left; returns their names.

        An empty repository (nothing was ever released) stays empty.
        """
        now = now or datetime.now(UTC)
        with self.keys.lock():
            if not self.store.exists(edge_layout.tuf_metadata(edge_layout.TUF_TIMESTAMP)):
                return []
            current = self._current(now)
            due = {
                role
                for role in LIFE
                if getattr(current, role).signed.expires - now < LIFE[role] / 2
            }
            if "targets" in due and not (self.keys.path / "targets.pem").exists():
                due.discard("targets")  # An offline key: its holder signs at the next release.
            if "targets" in due:
                due.add("snapshot")
            if "snapshot" in due:
                due.add("timestamp")
            if due:
                self._resign(current, now, due)
            return sorted(due)

    def targets(self) -> dict[str, TargetFile]:
        """All signed files by path; empty before the first publication."""
        with self.keys.lock():
            return dict(self._current(datetime.now(UTC)).targets.signed.targets)

    def _current(self, now: datetime) -> _Current:
        recorded = self._recorded()
        try:
            timestamp = self._load(edge_layout.TUF_TIMESTAMP, "timestamp", Timestamp)
        except ObjectMissing:
            # Numbering goes on where it was: a gateway that saw version 9 refuses version 1.
            empty = _Current(
                Metadata(Targets(expires=now)),
                Metadata(Snapshot(expires=now)),
                Metadata(Timestamp(expires=now)),
            )
            for role, version in recorded.items():
                getattr(empty, role).signed.version = version
            return empty
        if timestamp.signed.version < recorded["timestamp"]:
            raise ReleaseError(
                f"{self.store.uri(edge_layout.TUF_METADATA)} holds timestamp "
                f"{timestamp.signed.version}, but {recorded['timestamp']} was signed",
                "restore the newest tuf/metadata; somebody put back an old copy",
            )
        version = timestamp.signed.snapshot_meta.version
        snapshot = self._load_named("snapshot", version, Snapshot)
        version = snapshot.signed.meta["targets.json"].version
        targets = self._load_named("targets", version, Targets)
        return _Current(targets, snapshot, timestamp)

    def _load_named(self, role: str, version: int, kind: type[SignedRole]) -> Metadata[SignedRole]:
        try:
            return self._load(edge_layout.tuf_version_name(role, version), role, kind)
        except ObjectMissing as error:
            raise ReleaseError(
                f"{error.message}, though signed metadata names it",
                "restore tuf/metadata from a backup, or remove tuf/metadata/timestamp.json to "
                "begin with no releases",
            ) from None

    def _load(self, filename: str, role: str, kind: type[SignedRole]) -> Metadata[SignedRole]:
        key = edge_layout.tuf_metadata(filename)
        data = self.store.get(key)
        try:
            metadata: Metadata[SignedRole] = Metadata.from_bytes(data)
            # Without this check, whoever can write the bucket could have entries signed.
            self.keys.root().signed.verify_delegate(
                role, metadata.signed_bytes, metadata.signatures
            )
        except (DeserializationError, UnsignedMetadataError) as error:
            raise ReleaseError(
                f"{self.store.uri(key)} does not verify: {error}",
                "restore it, or sign with the keys that this repository was made with",
            ) from None
        if not isinstance(metadata.signed, kind):
            raise ReleaseError(f"{self.store.uri(key)} is not {role} metadata", "restore it")
        return metadata

    def _resign(self, current: _Current, now: datetime, roles: set[str]) -> None:
        root = self.keys.root()
        self._put(edge_layout.tuf_version_name("root", root.signed.version), root.to_bytes())
        if "targets" in roles:
            self._sign(current.targets, "targets", now)
            version = current.targets.signed.version
            content = current.targets.to_bytes()
            if len(content) > TARGETS_MAX_BYTES:
                raise ReleaseError(
                    f"targets metadata has {len(content)} bytes, expected at most "
                    f"{TARGETS_MAX_BYTES}, which is what gateways accept",
                    "Give some of the projects a bucket of their own.",
                )
            self._put(edge_layout.tuf_version_name("targets", version), content)
            current.snapshot.signed.meta["targets.json"] = MetaFile(version)
        if "snapshot" in roles:
            self._sign(current.snapshot, "snapshot", now)
            version = current.snapshot.signed.version
            self._put(
                edge_layout.tuf_version_name("snapshot", version), current.snapshot.to_bytes()
            )
            current.timestamp.signed.snapshot_meta = MetaFile(version)
        self._sign(current.timestamp, "timestamp", now)
        self._put(edge_layout.TUF_TIMESTAMP, current.timestamp.to_bytes())
        write_durably(self.keys.record_path, json.dumps(_versions(current)).encode())

    def _sign(self, metadata: Metadata[SignedRole], role: str, now: datetime) -> None:
        metadata.signed.version += 1
        metadata.signed.expires = (now + LIFE[role]).replace(microsecond=0)
        metadata.sign(self.keys.signer(role))

    def _put(self, filename: str, content: bytes) -> None:
        self.store.put(edge_layout.tuf_metadata(filename), content, "application/json")

    def _recorded(self) -> dict[str, int]:
        try:
            content = json.loads(self.keys.record_path.read_bytes())
        except FileNotFoundError:
            return dict.fromkeys(LIFE, 0)
        return {role: int(content[role]) for role in LIFE}


def _versions(current: _Current) -> dict[str, int]:
    return {role: getattr(current, role).signed.version for role in LIFE}
