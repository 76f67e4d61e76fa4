"""docs/dags.md says what the DAG files say."""

from __future__ import annotations

import subprocess
import sys

from tests.support.checkout import ROOT


def test_the_page_is_not_stale() -> None:
    command = [sys.executable, str(ROOT / "docs" / "generate_dags.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
