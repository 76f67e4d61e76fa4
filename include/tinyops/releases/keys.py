"""The ed25519 keys that sign releases, one a role, and the root of trust they are named in.

A key folder holds `<role>.pem` (PKCS8, mode 0600), `root.json` (public: gateways start from it),
`evidence.key` (secret, mode 0600: it seals what the stages of a release write), `published.json`
(the newest versions signed) and the lock that serialises writers.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import Metadata, Root
from tuf.api.serialization import DeserializationError

from tinyops.private_folder import private_folder
from tinyops.releases.errors import SigningKeyError
from tinyops.releases.seal import KEY_BYTES, Seal

ROLES = ("root", "targets", "snapshot", "timestamp")
ROOT_LIFE = timedelta(days=5 * 365)


@dataclass(frozen=True)
class KeyFolder:
    """A folder of signing keys; a role whose key is kept elsewhere has none here."""

    path: Path

    @property
    def root_path(self) -> Path:
        """The public root metadata, which a gateway needs and nothing else."""
        return self.path / "root.json"

    @property
    def record_path(self) -> Path:
        """The versions signed last; it tells a rolled-back store from a current one."""
        return self.path / "published.json"

    def root(self) -> Metadata[Root]:
        """The root of trust; SigningKeyError when it is missing, broken or not self-signed."""
        try:
            root: Metadata[Root] = Metadata.from_bytes(self.root_path.read_bytes())
            root.signed.verify_delegate("root", root.signed_bytes, root.signatures)
        except FileNotFoundError:
            raise SigningKeyError(
                f"{self.root_path} is missing", "put root.json beside the signing keys"
            ) from None
        except (DeserializationError, UnsignedMetadataError) as error:
            raise SigningKeyError(
                f"{self.root_path}: {error}", "restore root.json from its backup"
            ) from None
        return root

    def signer(self, role: str) -> CryptoSigner:
        """The signer of a role; SigningKeyError when its key is not here or not the root's."""
        path = self.path / f"{role}.pem"
        try:
            signer = CryptoSigner(load_pem_private_key(path.read_bytes(), None))
        except FileNotFoundError:
            raise SigningKeyError(
                f"no key for role {role}: {path} is missing",
                "put the key there, or sign where it is kept",
            ) from None
        except (ValueError, TypeError) as error:
            raise SigningKeyError(
                f"{path}: {error}", "store it as an unencrypted PKCS8 PEM file"
            ) from None
        if signer.public_key.keyid not in self.root().signed.roles[role].keyids:
            raise SigningKeyError(
                f"{path} is not a key that {self.root_path} names for {role}",
                "use the key and the root.json that belong together",
            )
        return signer

    @property
    def evidence_key_path(self) -> Path:
        """The key of `seal`."""
        return self.path / "evidence.key"

    def seal(self) -> Seal:
        """The seal on evidence; SigningKeyError when its key is not here or too short."""
        path = self.evidence_key_path
        fix = f"write {KEY_BYTES} random bytes there once: (umask 077; head -c {KEY_BYTES} "
        fix += f"/dev/urandom >{path})"
        try:
            key = path.read_bytes()
        except OSError as error:
            raise SigningKeyError(
                f"no key that seals evidence: {path}: {error.strerror}", fix
            ) from None
        if len(key) < KEY_BYTES:
            raise SigningKeyError(f"{path}: {len(key)} bytes, expected {KEY_BYTES} or more", fix)
        return Seal(key)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Held by one writer of the repository at a time on this machine."""
        with (self.path / ".lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def signing_keys(environment: Mapping[str, str] = os.environ) -> KeyFolder:
    """The key folder to sign with.

    $TINYOPS_SIGNING_KEYS when it is set; otherwise development keys under the state folder
    ($TINYOPS_STATE, default `.tinyops`), made at first use. Development keys are refused unless
    AWS_ENDPOINT_URL_S3 names this machine: a real fleet must not trust a key that came by itself.

    Raises
    ------
    SigningKeyError
        The named folder holds no root.json, or development keys would sign for another machine.
    """
    named = environment.get("TINYOPS_SIGNING_KEYS")
    if named:
        folder = KeyFolder(Path(named))
        folder.root()
        return folder
    endpoint = environment.get("AWS_ENDPOINT_URL_S3", "")
    if not _is_loopback(endpoint):
        raise SigningKeyError(
            f"development keys may not sign for {endpoint or 'AWS'}",
            "set TINYOPS_SIGNING_KEYS to a folder with your own keys",
        )
    return make_keys(Path(environment.get("TINYOPS_STATE", ".tinyops")) / "keys")


def make_keys(path: Path) -> KeyFolder:
    """Make what is missing of a key folder: keys, and a root that names those that sign.

    A second call, or a call after a crash, leaves finished files alone; `root.json` is last.
    """
    folder = KeyFolder(private_folder(path))
    with folder.lock():
        if not folder.evidence_key_path.exists():
            write_durably(folder.evidence_key_path, secrets.token_bytes(KEY_BYTES), mode=0o600)
        if folder.root_path.exists():
            folder.root()
            return folder
        signers = {}
        for role in ROLES:
            key = path / f"{role}.pem"
            if not key.exists():
                write_durably(key, CryptoSigner.generate_ed25519().private_bytes, mode=0o600)
            signers[role] = CryptoSigner(load_pem_private_key(key.read_bytes(), None))
        root = Root(
            version=1,
            expires=(datetime.now(UTC) + ROOT_LIFE).replace(microsecond=0),
            consistent_snapshot=True,
        )
        for role, signer in signers.items():
            root.add_key(signer.public_key, role)
        metadata = Metadata(root)
        metadata.sign(signers["root"])
        write_durably(folder.root_path, metadata.to_bytes(), mode=0o644)
    return folder


def write_durably(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file that is there whole or not at all, also after a power cut."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _is_loopback(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
