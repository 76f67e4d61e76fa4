"""The firmware's monitor, built for this machine and called through ctypes."""

from __future__ import annotations

import ctypes
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyops.boards.messages import frame_request
from tinyops.conversion.images import sources
from tinyops.conversion.images.parameters import ParameterBlock
from tinyops.conversion.images.toolchain import FIRMWARE
from tinyops.frontend.host import build
from tinyops.sketches.frames import FRAME_BYTES
from tinyops.sketches.sketch import SketchSpec


class HostMonitor:
    """One device's monitor since boot; `folder` is its own."""

    def __init__(self, spec: SketchSpec, model_sha256: str, tag: str, folder: Path) -> None:
        made = {
            "sketch_tables.h": sources.sketch_header(spec),
            "sketch_tables.c": sources.sketch_source(spec),
        }
        tables = sources.write(folder, made)
        parts = [*(FIRMWARE / "monitor").glob("*.c"), FIRMWARE / "link" / "crc.c"]
        includes = [folder, *(FIRMWARE / part for part in ("monitor", "link", "app"))]
        # A copy has its own static memory, as a device has.
        library = shutil.copy(build(sorted(parts) + tables, includes), folder / "monitor.so")
        self._library = ctypes.CDLL(str(library))
        self._library.monitor_frame.restype = ctypes.c_size_t
        self._block = ParameterBlock(model_sha256, tag, 0.1, sketch=spec).pack()

    def add(self, x: NDArray[np.int8], decided: int, confidence: int) -> None:
        """Take one decided window."""
        self._library.monitor_add(
            self._block, np.ascontiguousarray(x).tobytes(), decided, confidence
        )

    def add_without_block(self, x: NDArray[np.int8]) -> None:
        """The same when no parameter block is valid."""
        self._library.monitor_add(None, x.tobytes(), 0, 0)

    def frame(self, acknowledged: int | None = None, partial: bool = False) -> bytes | None:
        """The answer to a FRAME request."""
        answer = ctypes.create_string_buffer(FRAME_BYTES)
        size = self._library.monitor_frame(frame_request(acknowledged, partial), answer)
        assert size in (0, FRAME_BYTES)
        return answer.raw if size else None

    def features(self, x: NDArray[np.int8]) -> NDArray[np.int32]:
        """[n, 3] of inputs [n, D]."""
        found = np.empty((len(x), 3), np.int32)
        for row, into in zip(np.ascontiguousarray(x), found, strict=True):
            self._library.sketch_features(row.tobytes(), into.ctypes.data_as(ctypes.c_void_p))
        return found
