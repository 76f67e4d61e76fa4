"""Rooms of data: recordings, dataset versions, labels, the quality gate, ingest."""
