"""What runs in the child: see `confined`."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

from tinyops.data.recordings.importers.capture import ImportRefused
from tinyops.data.recordings.importers.description import description_of
from tinyops.data.recordings.importers.read import import_file
from tinyops.data.recordings.parquet import write_recordings
from tinyops.errors import TinyOpsError
from tinyops.projects import Project


def import_file_to(path: str, said: dict[str, Any], project: dict[str, Any], out: str) -> int:
    """Import a file and write its recordings; how many there are."""
    import pyarrow as pa

    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    file = Path(path)
    try:
        recordings = import_file(file, description_of(said), Project.model_validate(project))
        count = write_recordings(Path(out), recordings)
    except ImportRefused:
        raise
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        raise ImportRefused(
            f"{file.name}: becomes too many recordings", "cut it into several files"
        ) from None
    except TinyOpsError as error:
        raise ImportRefused(f"{file.name}: {error.message}", error.fix) from None
    if not count:
        raise ImportRefused(f"{file.name}: holds no recordings", "give one with some")
    return count
