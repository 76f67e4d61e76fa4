"""The readers of foreign files in a child: a file may cost its own import, and nothing else.

The child writes recordings in our own format; this process reads only those.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from tinyops.confinement import Fall, Limits, Terms, confine
from tinyops.data.recordings.importers.capture import ImportRefused
from tinyops.data.recordings.importers.description import Description
from tinyops.projects import Project

LIMITS = Limits(
    memory_bytes=3 << 30,
    processor_seconds=120,
    wall_seconds=600.0,
    message_bytes=1 << 20,
    file_bytes=2 << 30,
)


def explain(what: str, fall: Fall) -> ImportRefused:
    """The error of a reader that fell over a file; `what` names the file."""
    match fall.kind:
        case "memory":
            message = f"{what}: needs more than {fall.detail} of memory to be read"
            fix = "cut it into several files"
        case "time":
            message = f"{what}: takes more than {fall.detail} to be read"
            fix = "cut it into several files"
        case "crash":
            message = f"{what}: its reader crashes on it ({fall.detail})"
            fix = "the file is damaged: write it again, or as another kind of file"
        case "answer" | "exception":
            message = f"{what}: cannot be read: {fall.detail}"
            fix = "the file is damaged: write it again"
    return ImportRefused(message, fix)


TERMS = Terms(
    preload=(
        "cbor2",
        "h5py",
        "pandas",  # by pyarrow 25, when it is asked for an array of objects
        "pyarrow.csv",
        "pyarrow.parquet",
        "scipy.io",
        "scipy.signal",
        "tinyops.data.recordings.importers.child",
    ),
    errors=(ImportRefused,),
    explain=explain,
)


def import_to(
    path: Path, said: Description, project: Project, out: Path, limits: Limits = LIMITS
) -> int:
    """Write the recordings of a foreign file to a Parquet file; how many there are.

    Raises
    ------
    ImportRefused
        The file cannot be read or described, or its reader falls over it: names the file. Nothing
        is left of `out`.
    """
    try:
        found = confine(
            path.name,
            "tinyops.data.recordings.importers.child:import_file_to",
            str(path.absolute()),
            asdict(said),
            project.model_dump(mode="json"),
            str(out.absolute()),
            terms=TERMS,
            limits=limits,
        )
    except ImportRefused:
        out.unlink(missing_ok=True)
        raise
    return int(found)
