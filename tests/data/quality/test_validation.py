"""Great Expectations as the gate loads it."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import logging, os
logging.basicConfig(level=logging.INFO)
from tinyops.data.quality.validation import import_gx
import_gx()
logging.getLogger("great_expectations").warning("something")
print(os.environ["GX_ANALYTICS_ENABLED"])
"""


def test_it_reports_nothing_and_fills_no_log() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, timeout=120, check=True
    )
    said = [line for line in done.stderr.splitlines() if "great_expectations" in line]
    assert said == ["WARNING:great_expectations:something"]
    assert done.stdout.strip() == "false"
