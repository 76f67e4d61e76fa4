"""Batches and labels become dataset versions. The only writer of dataset versions."""

from tinyops.data.ingest.batch import BatchError, publish_batch

__all__ = ["BatchError", "publish_batch"]
