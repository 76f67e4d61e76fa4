"""A module that is run with others imported before it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tinyops.local.airflow import PRELOADED

pytestmark = pytest.mark.slow

MODULE = """
import os, sys
there = "colorsys" in sys.modules
child = os.fork()
if child == 0:
    print(__name__, sys.argv[1:], there and "colorsys" in sys.modules, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


def run(tmp_path: Path, names: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "some_module.py").write_text(MODULE)
    command = [sys.executable, "-m", "tinyops.local.preload", names, "some_module", "a", "-b"]
    env = os.environ | {"PYTHONPATH": str(tmp_path)}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_forks_of_the_module_have_them(tmp_path: Path) -> None:
    done = run(tmp_path, "colorsys,wave")
    assert done.stdout == "__main__ ['a', '-b'] True\n", done.stderr


def test_one_that_is_absent_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, "not_installed")
    assert done.returncode != 0
    assert "not_installed" in done.stderr.splitlines()[-1]


def test_what_the_scheduler_imports_starts_no_thread_that_a_fork_would_lose() -> None:
    code = f"import threading, {PRELOADED}; print(threading.active_count())"
    env = os.environ | {"GX_ANALYTICS_ENABLED": "false"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1"]
