"""S3 layout and bucket: every key is built here and nowhere else."""

from tinyops.store import edge_layout, layout, receipts
from tinyops.store.bucket import (
    ClockOff,
    ObjectInfo,
    ObjectMissing,
    ObjectTooLarge,
    Store,
    StoreError,
    StoreUnavailable,
)
from tinyops.store.content import content_id, sha256_hex
from tinyops.store.layout import Consumer, Pointer, ReportKind
from tinyops.store.receipts import Receipt

__all__ = [
    "ClockOff",
    "Consumer",
    "ObjectInfo",
    "ObjectMissing",
    "ObjectTooLarge",
    "Pointer",
    "Receipt",
    "ReportKind",
    "Store",
    "StoreError",
    "StoreUnavailable",
    "content_id",
    "edge_layout",
    "layout",
    "receipts",
    "sha256_hex",
]
