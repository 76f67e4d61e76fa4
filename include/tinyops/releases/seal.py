"""Seals on evidence: who may write the bucket may not thereby have something signed.

The stages of a release run as tasks of their own and hand each other JSON objects in S3. Each such
object carries an HMAC-SHA256 (RFC 2104) of its content and its S3 key, under a key that the
pipeline alone has. A stage, and at last the signing, uses no object whose seal does not match.

The S3 key names project, version and target, so evidence of one release does not pass as that of
another. A seal says who wrote an object, not that it is the newest: an older object put back under
its own key verifies.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from typing import Any

from tinyops.releases.errors import SealBroken
from tinyops.store import ObjectMissing, Store

FIELD = "seal"
"""In a sealed object: the seal, 64 hexadecimal digits."""

KEY_BYTES = 32
_PURPOSE = b"tinyops evidence 1"


class Seal:
    """Writes and reads sealed JSON objects.

    Parameters
    ----------
    key
        At least KEY_BYTES bytes; `KeyFolder.seal` reads it.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def put_json(self, store: Store, name: str, content: Mapping[str, Any]) -> str:
        """Write a JSON object with its seal under an S3 key. Returns its URI.

        A seal that the content carries from elsewhere is replaced.
        """
        plain = json.loads(json.dumps(dict(content)))
        plain.pop(FIELD, None)
        return store.put_json(name, plain | {FIELD: self._of(name, plain)})

    def get_json(self, store: Store, name: str) -> dict[str, Any]:
        """The content of a sealed object, without the seal.

        Raises
        ------
        ObjectMissing
            There is none.
        SealBroken
            It was not written with this key for this S3 key, or was changed since.
        """
        return self.opened(store, name, store.get(name))

    def get_json_or(self, store: Store, name: str, default: Any) -> Any:
        """As `get_json`; `default` when there is no object."""
        try:
            return self.get_json(store, name)
        except ObjectMissing:
            return default

    def opened(self, store: Store, name: str, data: bytes) -> dict[str, Any]:
        """The content of a sealed object whose bytes are at hand; errors as of `get_json`."""
        try:
            content = json.loads(data)
            seal = content.pop(FIELD)
            matches = hmac.compare_digest(str(seal).encode(), self._of(name, content).encode())
        except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
            matches = False
        if not matches:
            raise SealBroken(
                f"{store.uri(name)} carries no seal of this pipeline",
                "run the stage that writes it again; if it was sealed before, find out who wrote "
                "to the bucket",
            )
        return dict(content)

    def _of(self, name: str, content: Mapping[str, Any]) -> str:
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        message = b"\0".join([_PURPOSE, name.encode(), text.encode()])
        return hmac.new(self._key, message, "sha256").hexdigest()
