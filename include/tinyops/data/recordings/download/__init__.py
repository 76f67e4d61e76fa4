"""Public data sets, fetched from where their authors have put them."""

from tinyops.data.recordings.download.fetch import DownloadError
from tinyops.data.recordings.download.public_set import PublicFile, PublicSet, download_set
from tinyops.data.recordings.download.registry import PUBLIC_SETS, public_set

__all__ = [
    "PUBLIC_SETS",
    "DownloadError",
    "PublicFile",
    "PublicSet",
    "download_set",
    "public_set",
]
