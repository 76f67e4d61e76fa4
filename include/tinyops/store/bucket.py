"""One S3 bucket, spoken to through boto3, with errors that say what to do.

Objects are immutable except pointers and status files, and a pointer is written last. Nothing
here uses create-if-absent or conditional puts: on OpenStack Swift 2.38 concurrent
`If-None-Match: *` puts can all succeed.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from tinyops.errors import TinyOpsError
from tinyops.store.caching import ask_caches_to_validate, upload_headers
from tinyops.store.endpoint import endpoint_from_env
from tinyops.store.server_clock import ServerClock

T = TypeVar("T")


class StoreError(TinyOpsError):
    """The S3 server refused a request."""


class StoreUnavailable(StoreError):
    """The S3 server cannot be reached, or cannot answer now: worth another try later."""


class ClockOff(StoreUnavailable):
    """The S3 server refused a request because this machine's clock is off."""


class ObjectMissing(StoreError):
    """There is no object under this key."""


class ObjectTooLarge(StoreError):
    """An object is larger than its reader expects; it was not read."""


@dataclass(frozen=True)
class ObjectInfo:
    """One row of a listing; `size` in bytes."""

    key: str
    size: int
    etag: str
    last_modified: datetime


class Store:
    """A bucket and the few verbs TinyOps needs.

    Parameters
    ----------
    client
        A boto3 S3 client.
    bucket
        The bucket's name.
    """

    def __init__(self, client: Any, bucket: str) -> None:
        self.client = client
        self.bucket = bucket
        self.clock = ServerClock()
        ask_caches_to_validate(client)
        self.clock.watch(client)

    @classmethod
    def from_env(cls, *, attempts: int = 4, timeout: float = 20.0) -> Store:
        """The store that the standard AWS variables and TINYOPS_BUCKET name (default `tinyops`).

        Raises
        ------
        EndpointInvalid
            The endpoint's variable holds no URL.
        StoreError
            Another AWS variable has a value that no client can be made with.
        """
        import boto3
        import botocore.session
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        endpoint = endpoint_from_env()

        config = Config(
            retries={"max_attempts": attempts, "mode": "standard"},
            connect_timeout=min(timeout, 5.0),
            read_timeout=timeout,
            # Swift's S3 API and other servers know neither the trailing CRC nor its check.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path"},
        )
        # A session of its own: boto3's shared one keeps the first keys it ever saw.
        session = botocore.session.get_session()
        session.register_component("data_loader", _service_descriptions())
        try:
            client = boto3.Session(botocore_session=session).client(
                "s3",
                endpoint_url=endpoint,
                region_name=os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
                config=config,
            )
        except (BotoCoreError, ValueError) as error:
            raise StoreError(
                f"no S3 client can be made from the AWS variables: {error}",
                "Correct AWS_PROFILE, AWS_DEFAULT_REGION or the file of AWS settings.",
            ) from None
        return cls(client, os.environ.get("TINYOPS_BUCKET", "tinyops"))

    def uri(self, key: str) -> str:
        """`s3://bucket/key`."""
        return f"s3://{self.bucket}/{key}"

    def key(self, uri: str) -> str:
        """The key of a URI in this bucket; another bucket is a StoreError."""
        prefix = f"s3://{self.bucket}/"
        if not uri.startswith(prefix):
            raise StoreError(f"{uri} is not in bucket {self.bucket}", "check TINYOPS_BUCKET")
        return uri.removeprefix(prefix)

    def ensure_bucket(self) -> None:
        """Create the bucket if it is not there; harmless when it is."""
        self._call("", lambda: self.client.create_bucket(Bucket=self.bucket), ok="BucketAlready")

    def put(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> str:
        """Write one object whole; readers see the old bytes or the new ones. Returns its URI."""
        self._call(
            key,
            lambda: self.client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=data,
                ContentType=content_type,
                **upload_headers(key),
            ),
        )
        return self.uri(key)

    def put_json(self, key: str, content: Any) -> str:
        """Write JSON, sorted and indented so that people can read and compare it."""
        text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
        return self.put(key, text.encode() + b"\n", "application/json")

    def get(self, key: str, most: int | None = None) -> bytes:
        """Return the bytes of one object.

        Parameters
        ----------
        most
            Bytes that its writer needs at most, for objects that come from outside.

        Raises
        ------
        ObjectMissing
            There is none.
        ObjectTooLarge
            It has more bytes than `most`.
        """

        def call() -> bytes:
            answer = self.client.get_object(Bucket=self.bucket, Key=key)
            size, body = int(answer["ContentLength"]), answer["Body"]
            if most is not None and size > most:
                body.close()
                raise ObjectTooLarge(
                    f"{self.uri(key)}: {size} bytes, expected at most {most}", "remove it"
                )
            return bytes(body.read())

        return self._call(key, call)

    def get_json(self, key: str, most: int | None = None) -> Any:
        """Return the content of a JSON object; StoreError when it is not JSON, else as `get`."""
        try:
            return json.loads(self.get(key, most))
        except (ValueError, RecursionError) as error:
            raise StoreError(
                f"{self.uri(key)} is not JSON: {error}", "remove or replace it"
            ) from None

    def get_json_or(self, key: str, default: T, most: int | None = None) -> Any | T:
        """Like get_json, with `default` for a missing object."""
        try:
            return self.get_json(key, most)
        except ObjectMissing:
            return default

    def get_if_changed(self, key: str, etag: str | None) -> tuple[bytes, str] | None:
        """(bytes, etag), or None while the object still has `etag` (a 304 answer)."""
        extra = {"IfNoneMatch": etag} if etag else {}

        def call() -> tuple[bytes, str]:
            answer = self.client.get_object(Bucket=self.bucket, Key=key, **extra)
            return answer["Body"].read(), str(answer["ETag"])

        try:
            return self._call(key, call)
        except _NotModified:
            return None

    def exists(self, key: str) -> bool:
        """Whether an object is there."""
        try:
            self._call(key, lambda: self.client.head_object(Bucket=self.bucket, Key=key))
        except ObjectMissing:
            return False
        return True

    def etag(self, key: str) -> str:
        """The mark of an object's content, which changes with it; ObjectMissing without one."""
        answer = self._call(key, lambda: self.client.head_object(Bucket=self.bucket, Key=key))
        return str(answer["ETag"])

    def copy(self, source: str, key: str) -> str:
        """Copy an object of at most 5 GB within the bucket, by the server. Returns its URI."""
        origin = {"Bucket": self.bucket, "Key": source}
        # Not boto3's own `copy`: in parts it asks for the source by ETag, and what was sent in
        # parts has another one for Swift 2.38 then.
        self._call(
            source,
            lambda: self.client.copy_object(CopySource=origin, Bucket=self.bucket, Key=key),
        )
        return self.uri(key)

    def objects(self, prefix: str) -> Iterator[ObjectInfo]:
        """All objects below a prefix, in key order."""
        for page in self._pages(Prefix=prefix):
            for row in page.get("Contents", ()):
                yield ObjectInfo(row["Key"], row["Size"], row["ETag"], row["LastModified"])

    def folders(self, prefix: str) -> list[str]:
        """Names of the folders directly below `prefix` (which ends in /), sorted."""
        return sorted(
            row["Prefix"].removeprefix(prefix).rstrip("/")
            for page in self._pages(Prefix=prefix, Delimiter="/")
            for row in page.get("CommonPrefixes", ())
        )

    def delete(self, key: str) -> None:
        """Remove one object; harmless when it is gone already."""
        self._call(key, lambda: self.client.delete_object(Bucket=self.bucket, Key=key))

    def upload(self, path: Path, key: str) -> str:
        """Send a file, in parts when it is large. Returns its URI."""
        self._call(key, lambda: self.client.upload_file(str(path), self.bucket, key))
        return self.uri(key)

    def download(self, key: str, path: Path) -> Path:
        """Fetch an object into a file, which appears whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        self._call(key, lambda: self.client.download_file(self.bucket, key, str(part)))
        return part.replace(path)

    def _pages(self, **query: str) -> Iterator[dict[str, Any]]:
        while True:
            page: dict[str, Any] = self._call(
                query["Prefix"],
                functools.partial(self.client.list_objects_v2, Bucket=self.bucket, **query),
            )
            yield page
            if not page.get("IsTruncated"):
                return
            query["ContinuationToken"] = page["NextContinuationToken"]

    def _call(self, key: str, call: Callable[[], T], ok: str = "\0") -> T:
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return call()
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if code.startswith(ok):
                return None  # type: ignore[return-value]
            raise self._explain(key, code, status, str(error)) from None
        except (BotoCoreError, Boto3Error) as error:
            endpoint = self.client.meta.endpoint_url
            if "credentials" in str(error).lower():
                raise StoreError(
                    f"no S3 credentials for {endpoint}",
                    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
                ) from None
            raise StoreUnavailable(
                f"S3 at {endpoint} does not answer: {error}", fix_of_outage(str(error))
            ) from None

    def _explain(self, key: str, code: str, status: int, text: str) -> Exception:
        if status == 304:
            return _NotModified(self.uri(key))
        if code in ("NoSuchKey", "404", "NotFound") or (status == 404 and code != "NoSuchBucket"):
            return ObjectMissing(f"{self.uri(key)} does not exist")
        if code == "NoSuchBucket":
            return StoreError(f"no bucket {self.bucket!r}", "create it or set TINYOPS_BUCKET")
        if code == "RequestTimeTooSkewed" or (status in (401, 403) and self.clock.off):
            return ClockOff(*self.clock.describe())
        if status in (401, 403):
            return StoreError(f"S3 refused the keys for {self.uri(key)}: {code}", "check AWS keys")
        if status >= 500 or code in ("SlowDown", "RequestTimeout"):
            return StoreUnavailable(f"{self.uri(key)}: {text}", "try again when S3 is well")
        return StoreError(f"{self.uri(key)}: {text}")


def fix_of_outage(text: str) -> str:
    """Fix for an S3 server that cannot be reached; `text` is the HTTP client's message."""
    if "certificate is not yet valid" in text or "certificate has expired" in text:
        return "Check this machine's clock with `date -u`, then the server's certificate."
    return "check AWS_ENDPOINT_URL_S3, or start the embedded server with `tinyops up`"


@functools.cache
def _service_descriptions() -> Any:
    # One for the process: to read that of S3 again takes most of the time that a new client takes.
    import botocore.session

    return botocore.session.get_session().get_component("data_loader")


class _NotModified(StoreError):
    """304: what the caller has is current."""
