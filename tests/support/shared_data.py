"""Real data sets beside the checkout; a test that needs an absent one is skipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.checkout import SHARED


def shared(path: str) -> Path:
    """A file or folder of ../shared; skips the test, saying so, where it is absent."""
    found = SHARED / path
    if not found.exists():
        pytest.skip(f"../shared/{path} is not here")
    return found
