"""Build a frontend's C sources for this machine and call them through ctypes."""

from __future__ import annotations

import ctypes
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyops.environment import bare_environment
from tinyops.frontend.spec import FrontendError, FrontendSpec

# Contraction off on both sides: x86-64 has no fused multiply-add by default, Cortex-M4 has one.
FLAGS = ("-std=c11", "-fPIC", "-shared", "-ffp-contract=off", "-fno-fast-math", "-Wall", "-Wextra")
_INT16 = ctypes.POINTER(ctypes.c_int16)
_INT8 = ctypes.POINTER(ctypes.c_int8)


def cache_folder() -> Path:
    """$TINYOPS_CACHE, or ~/.cache/tinyops."""
    named = os.environ.get("TINYOPS_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "tinyops"


def build(sources: Sequence[Path], include_dirs: Sequence[Path], optimise: str = "-O2") -> Path:
    """Compile sources to a shared library, once per content.

    Raises
    ------
    FrontendError
        No C compiler, or it refuses the sources.
    """
    compiler = os.environ.get("CC", "gcc")
    flags = (optimise, *FLAGS)
    digest = hashlib.sha256(" ".join((compiler, *flags)).encode())
    headers = sorted(path for folder in include_dirs for path in folder.glob("*.h"))
    for path in (*sources, *headers):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    library = cache_folder() / "frontend" / f"{digest.hexdigest()[:24]}.so"
    if library.exists():
        return library
    library.parent.mkdir(parents=True, exist_ok=True)
    # Built beside its final name and renamed: two processes may build the same one.
    handle, part = tempfile.mkstemp(dir=library.parent, suffix=".part")
    os.close(handle)
    command = [compiler, *flags, *(f"-I{folder}" for folder in include_dirs)]
    try:
        done = subprocess.run(
            [*command, *map(str, sources), "-o", part],
            env=bare_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        Path(part).unlink()
        raise FrontendError(
            f"no C compiler {compiler!r}", "install gcc and libc6-dev (see packages.txt)"
        ) from None
    if done.returncode:
        Path(part).unlink()
        raise FrontendError(f"{compiler} refuses the frontend: {done.stderr.strip()[-800:]}")
    Path(part).chmod(0o755)
    return Path(part).replace(library)


class HostFrontend:
    """A loaded host build of one frontend; `digest` is a hash of its sources."""

    def __init__(self, library: Path, spec: FrontendSpec) -> None:
        self._spec = spec
        self.digest = library.stem
        self._run = ctypes.CDLL(str(library)).frontend_run
        self._run.argtypes = (_INT16, _INT8)
        self._run.restype = None

    def run(self, windows: NDArray[np.int16]) -> NDArray[np.int8]:
        """int16 [n, W, C] to int8 [n, *output_shape]."""
        spec = self._spec
        if windows.dtype != np.int16 or windows.shape[1:] != (spec.window, spec.channels):
            raise FrontendError(
                f"windows are {windows.dtype} {windows.shape}, the frontend takes "
                f"int16 (n, {spec.window}, {spec.channels})",
                "cut them with frontend.cut_windows from frontend.to_counts",
            )
        windows = np.ascontiguousarray(windows)
        features = np.empty((len(windows), spec.output_size), dtype=np.int8)
        for window, row in zip(windows, features, strict=True):
            self._run(window.ctypes.data_as(_INT16), row.ctypes.data_as(_INT8))
        return features.reshape(len(windows), *spec.output_shape)
