"""Writes docs/benchmarks.md from benchmarks/results/*.json. Nothing in it is typed by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"

HEAD = """# Measured figures

Made by `make bench` from `benchmarks/results/*.json`; nothing here is typed by hand. Figures of
chips are **emulated** (instructions in QEMU), boards are **virtual**, `motor_health` data is
**simulated**. Times belong to the machine that each table names.
"""


def section(result: dict[str, Any]) -> str:
    """One benchmark: its checks, then its breakdown when it has one."""
    cores, version = result["cores"], result["python"]
    rows = [f"## {result['benchmark']}", "", f"{cores} cores, Python {version}.", ""]
    rows += ["| figure | measured | wanted | |", "|---|---:|---:|---|"]
    for check in result["checks"]:
        met = "met" if check["passed"] else "**not met**"
        rows.append(f"| {check['what']} | {check['value']:g} | {check['rule']} | {met} |")
    use = result["figures"].get("warm_seconds_by_use")
    if use:
        total = sum(use.values())
        rows += ["", "| what the time goes into | seconds | share |", "|---|---:|---:|"]
        for name, seconds in sorted(use.items(), key=lambda item: -item[1]):
            rows.append(f"| {name} | {seconds:.1f} | {seconds / total:.0%} |")
    return "\n".join(rows) + "\n"


def main() -> None:
    """Write the page."""
    results = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]
    PAGE.write_text("\n".join([HEAD, *map(section, results)]), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
