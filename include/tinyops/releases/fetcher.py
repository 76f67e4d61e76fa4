"""How the TUF client reads the bucket: a "URL" is an S3 key."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tuf.api.exceptions import DownloadError, DownloadHTTPError
from tuf.ngclient import FetcherInterface

from tinyops.releases.bounded_read import BoundedReader, ReadTimeout
from tinyops.store import Store

CHUNK = 64 * 1024


class StoreFetcher(FetcherInterface):
    """Reads objects piece by piece, so that an endless object stops at the length TUF allows.

    Parameters
    ----------
    reader
        Ends a read at the deadline.
    """

    def __init__(self, store: Store, reader: BoundedReader) -> None:
        self.store = store
        self._reader = reader
        self._deadline = time.monotonic()
        self._seconds = 0.0

    def allow(self, seconds: float) -> None:
        """Have all reads from now on, together, end within so many seconds."""
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds

    def extend(self, seconds: float) -> None:
        """Begin a new limit if the one before is over."""
        if time.monotonic() >= self._deadline:
            self.allow(seconds)

    def _fetch(self, url: str) -> Iterator[bytes]:
        try:
            yield from self._reader.read(lambda: self._pieces(url), self._deadline)
        except ReadTimeout as error:
            raise DownloadError(
                f"{self.store.uri(url)}: {error}, limit {self._seconds:g} s"
            ) from None

    def _pieces(self, url: str) -> Iterator[bytes]:
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
        from urllib3.exceptions import HTTPError

        try:
            body = self.store.client.get_object(Bucket=self.store.bucket, Key=url)["Body"]
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
            raise DownloadHTTPError(f"{self.store.uri(url)}: {error}", int(status)) from None
        except BotoCoreError as error:
            raise DownloadError(f"{self.store.uri(url)}: {error}") from None
        try:
            yield from body.iter_chunks(CHUNK)
        except (BotoCoreError, HTTPClientError, HTTPError, OSError) as error:
            raise DownloadError(f"{self.store.uri(url)}: {error}") from None
        finally:
            body.close()
