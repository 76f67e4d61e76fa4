"""Sources: where recordings come from when nobody has sent any."""

from tinyops.data.recordings.sources.registry import Source, SourceError, generate, source_for

__all__ = ["Source", "SourceError", "generate", "source_for"]
