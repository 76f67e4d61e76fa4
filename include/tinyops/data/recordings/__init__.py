"""Recordings: Parquet files, importers, downloads and sources."""

from tinyops.data.recordings.parquet import ParquetError, read_recordings, write_recordings
from tinyops.data.recordings.recording import Recording, RecordingError

__all__ = ["ParquetError", "Recording", "RecordingError", "read_recordings", "write_recordings"]
