"""Whether a Parquet file of recordings can be decoded: tried in a child first.

Arrow is C++ that parses what comes from outside. What the child could do within its limits, this
process can. These children have little to import, unlike those of `importers.confined`: most
batches hold no foreign files, and half a second counts for a small one.
"""

from __future__ import annotations

from pathlib import Path

from tinyops.confinement import Fall, Terms, confine
from tinyops.data.recordings.importers.confined import LIMITS
from tinyops.data.recordings.importers.confined import explain as explain_import
from tinyops.data.recordings.parquet import read_batches
from tinyops.data.recordings.schema import ParquetError


def _explain(what: str, fall: Fall) -> ParquetError:
    refusal = explain_import(what, fall)
    return ParquetError(refusal.message, refusal.fix)


TERMS = Terms(("pyarrow.parquet", __name__), (ParquetError,), _explain)


def require_readable(path: Path) -> None:
    """Decode a file once, in a child, and throw the answer away.

    Raises
    ------
    ParquetError
        The file cannot be decoded, or Arrow falls over it.
    """
    target = f"{__name__}:decode"
    confine(path.name, target, str(path.absolute()), terms=TERMS, limits=LIMITS)


def decode(path: str) -> None:
    """Runs in the child."""
    import pyarrow as pa

    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    for batch in read_batches(Path(path)):
        batch.validate()
