"""Data: recordings, dataset versions, labels, the quality gate, and ingest that writes them."""
