"""How the TUF client reads the bucket: a "URL" is an S3 key."""

from __future__ import annotations

from collections.abc import Iterator

from tuf.api.exceptions import DownloadError, DownloadHTTPError
from tuf.ngclient import FetcherInterface

from tinyops.store import Store

CHUNK = 64 * 1024


class StoreFetcher(FetcherInterface):
    """Reads objects piece by piece, so that an endless object stops at the length TUF allows."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def _fetch(self, url: str) -> Iterator[bytes]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self.store.client.get_object(Bucket=self.store.bucket, Key=url)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
            raise DownloadHTTPError(f"{self.store.uri(url)}: {error}", int(status)) from None
        except BotoCoreError as error:
            raise DownloadError(f"{self.store.uri(url)}: {error}") from None
        return self._pieces(url, answer["Body"])

    def _pieces(self, url: str, body: object) -> Iterator[bytes]:
        from botocore.exceptions import BotoCoreError, HTTPClientError
        from urllib3.exceptions import HTTPError

        try:
            yield from body.iter_chunks(CHUNK)  # type: ignore[attr-defined]
        except (BotoCoreError, HTTPClientError, HTTPError, OSError) as error:
            raise DownloadError(f"{self.store.uri(url)}: {error}") from None
        finally:
            body.close()  # type: ignore[attr-defined]
