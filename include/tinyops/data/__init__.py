"""Data: recordings, the quality gate, dataset versions and their splits."""

from tinyops.data.batch import BatchError, publish_batch
from tinyops.data.parquet import ParquetError, read_recordings, write_recordings
from tinyops.data.recording import Recording, RecordingError

__all__ = [
    "BatchError",
    "ParquetError",
    "Recording",
    "RecordingError",
    "publish_batch",
    "read_recordings",
    "write_recordings",
]
