"""Images built once a session: a request that any worker has built is read from its folder.

For tests that need an image, not for those of the build. Nothing is kept from session to session.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pickle
import shutil
import tempfile
from atexit import register
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinyops.conversion.images import image
from tinyops.conversion.images.build_request import BuildRequest
from tinyops.conversion.images.image import BuiltImage
from tinyops.frontend import Frontend

FOLDER = "TINYOPS_TEST_IMAGES"
"""The variable that names the session's folder (tests/conftest.py); benchmarks have their own."""
BUILT = "built.pickle"
_built: dict[str, BuiltImage] = {}


def build_once(request: BuildRequest, folder: Path | None = None) -> BuiltImage:
    """The image of a request, with its folder, which is the session's: read it only.

    Stands for `build_image`, whose parameter `folder` it leaves empty; errors as there.
    """
    key = request_key(request)
    if key not in _built:
        _built[key] = _shared(key, request)
    return _built[key]


def request_key(request: BuildRequest) -> str:
    """SHA-256 of all that a request holds."""
    content = {each.name: _plain(getattr(request, each.name)) for each in fields(request)}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@contextmanager
def built_once() -> Iterator[None]:
    """Candidates are compiled and bare models built by `build_once` inside the block."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("candidates.release", "images.bare"):
            patch.setattr(f"tinyops.conversion.{module}.build_image", build_once)
        yield


def _shared(key: str, request: BuildRequest) -> BuiltImage:
    root = Path(os.environ.get(FOLDER) or _own_folder())
    root.mkdir(parents=True, exist_ok=True)
    folder = root / key
    with (root / f"{key}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / BUILT).exists():
            return pickle.loads((folder / BUILT).read_bytes())
        # What a worker that was ended has left.
        shutil.rmtree(folder, ignore_errors=True)
        built = image.build_image(request, folder)
        (folder / BUILT).write_bytes(pickle.dumps(built))
        return built


@cache
def _own_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tinyops-images-"))
    register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _plain(value: Any) -> Any:
    """A value as JSON has it; TypeError at what is not known here."""
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, np.ndarray):
        return [value.dtype.str, value.shape, hashlib.sha256(value.tobytes()).hexdigest()]
    if isinstance(value, Frontend):
        return value.spec.to_dict()
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, str | int | float | tuple | None):
        return value
    raise TypeError(f"{type(value).__name__} in a BuildRequest")
