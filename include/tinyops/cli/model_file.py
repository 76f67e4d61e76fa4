"""The .tflite of a command: read with a limit, and named in every error about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinyops.conversion.tflite.errors import CompilerMissing, ConversionError


def read(path: Path) -> bytes:
    """Its bytes.

    Raises
    ------
    ConversionError
        It is larger than any model that is read.
    """
    from tinyops.conversion.tflite.flatbuffer import MAX_BYTES

    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ConversionError(
            f"it is larger than the {MAX_BYTES:,} bytes that are read of a model",
            "no board has that much flash: give a smaller model",
        )
    return content


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put the file's name before what is wrong with the model."""
    try:
        yield
    except CompilerMissing:
        raise
    except ConversionError as error:
        raise type(error)(f"{path.name}: {error.message}", error.fix) from error
