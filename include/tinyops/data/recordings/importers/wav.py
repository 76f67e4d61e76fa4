"""WAV: PCM of 8 to 32 bits as -1 to 1, and floats as they are."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tinyops.data.recordings.importers.capture import Capture, ImportRefused, numbers
from tinyops.data.recordings.importers.description import Description

# scipy 1.17 gives 24-bit samples left-justified in int32, so all integers are of full range.
_FULL_SCALE = {"u1": 2.0**7, "i2": 2.0**15, "i4": 2.0**31, "i8": 2.0**63}


def read(path: Path, said: Description) -> Iterator[Capture]:
    """One capture, without channel names; `gain` says what full scale is.

    Raises
    ------
    ImportRefused
        The file is no WAV, is cut off, or is compressed.
    """
    from scipy.io import wavfile

    try:
        with warnings.catch_warnings():
            # Chunks that it does not know are no reason to refuse; a short one is.
            warnings.filterwarnings("ignore", "Chunk .non-data. not understood")
            warnings.filterwarnings("error", category=wavfile.WavFileWarning)
            rate, content = wavfile.read(path)
    except Exception as error:  # scipy raises whatever the bytes lead it to
        raise ImportRefused(
            f"{path.name}: no WAV that can be read: {str(error).splitlines()[0][:200]}"
            if str(error)
            else f"{path.name}: no WAV that can be read",
            "send it again, as uncompressed PCM or float",
        ) from None
    if not content.size:
        raise ImportRefused(f"{path.name}: no samples", "send it again")
    samples = numbers(content, path.name)
    kind = content.dtype.str[1:]
    if kind == "u1":
        samples = samples - _FULL_SCALE[kind]
    if kind in _FULL_SCALE:
        samples = samples / _FULL_SCALE[kind]
    yield Capture(np.atleast_2d(samples.T), rate_hz=float(rate))
