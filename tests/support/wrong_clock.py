"""Processes whose system clock is wrong, by a preloaded library; monotonic clocks stay right."""

from __future__ import annotations

import subprocess
import tempfile
from functools import cache
from pathlib import Path


@cache
def clock_library() -> Path:
    """Build the library; $CLOCK_OFFSET_FILE holds the seconds that the clock is ahead."""
    library = Path(tempfile.mkdtemp(prefix="tinyops-clock-")) / "wrong_clock.so"
    source = Path(__file__).with_suffix(".c")
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True
    )
    return library
