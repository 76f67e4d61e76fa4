"""Public data sets, fetched from where their authors have put them."""

from tinyops.data.download.fetch import DownloadError
from tinyops.data.download.public_set import PublicFile, PublicSet, download_set
from tinyops.data.download.registry import PUBLIC_SETS, public_set

__all__ = [
    "PUBLIC_SETS",
    "DownloadError",
    "PublicFile",
    "PublicSet",
    "download_set",
    "public_set",
]
