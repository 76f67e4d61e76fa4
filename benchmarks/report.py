"""What every benchmark shares: its options, a result file with its circumstances, a verdict."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
SHARED = Path(__file__).resolve().parents[2] / "shared"


@dataclass
class Report:
    """Figures of one benchmark and the checks that they must pass."""

    name: str
    quick: bool
    figures: dict[str, Any] = field(default_factory=dict)
    checks: list[dict[str, Any]] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def at_least(self, what: str, value: float, wanted: float) -> None:
        """Check value >= wanted."""
        self._check(what, value, f">= {wanted:g}", value >= wanted)

    def at_most(self, what: str, value: float, wanted: float) -> None:
        """Check value <= wanted."""
        self._check(what, value, f"<= {wanted:g}", value <= wanted)

    def _check(self, what: str, value: float, rule: str, passed: bool) -> None:
        row = {"what": what, "value": round(value, 4), "rule": rule, "passed": bool(passed)}
        self.checks.append(row)
        print(f"{'pass' if passed else 'FAIL'}  {what}: {value:.4f} ({rule})", flush=True)

    def finish(self) -> None:
        """Write results/<name>.json (not when quick) and exit 1 when a check failed."""
        packages = ("tensorflow", "keras", "ai-edge-litert", "numpy", "scikit-learn")
        content = {
            "benchmark": self.name,
            "figures": self.figures,
            "checks": self.checks,
            "seconds": round(time.monotonic() - self.started),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "versions": {package: version(package) for package in packages},
        }
        if not self.quick:
            RESULTS.mkdir(exist_ok=True)
            path = RESULTS / f"{self.name}.json"
            path.write_text(json.dumps(content, indent=2) + "\n")
            print(f"wrote {path}")
        sys.exit(0 if all(row["passed"] for row in self.checks) else 1)


def options(description: str | None) -> argparse.Namespace:
    """`--quick`: fewer seeds and folds, no result file."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="one seed, little data, no file")
    return parser.parse_args()
