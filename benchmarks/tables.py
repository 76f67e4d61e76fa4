"""Writes docs/benchmarks.md from benchmarks/results/*.json. Nothing in it is typed by hand.

Fills the tables of docs/on-the-chip.md and docs/data.md too, whose text is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks import (
    big_data_table,
    chip_tables,
    edges_table,
    gate_table,
    quantisation_table,
    serving_table,
)
from benchmarks.page_tables import fill

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"
CHIP = ROOT / "docs" / "on-the-chip.md"
DATA = ROOT / "docs" / "data.md"
BLOCKS = {
    "on_the_chip": (CHIP, chip_tables.blocks),
    "quantisation": (CHIP, quantisation_table.blocks),
    "serving": (CHIP, serving_table.blocks),
    "edges": (CHIP, edges_table.blocks),
    "gate": (DATA, gate_table.blocks),
    "big_data": (DATA, big_data_table.blocks),
}
"""Benchmarks whose tables stand among the text of a page."""

SECONDS = ("beside_the_vendors_tool", "paced")
"""Figures of several cases, each with the same columns, in seconds but for ratios and shares."""

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
    rows += ["", *circumstances(result["figures"])]
    for name, rates in result["figures"].items():
        if name.endswith("alarm_rates"):
            rows += ["", *alarm_table(name, rates)]
        elif name in SECONDS:
            rows += ["", *comparison(name, rates)]
    use = result["figures"].get("warm_seconds_by_use")
    if use:
        total = sum(use.values())
        rows += ["", "| what the time goes into | seconds | share |", "|---|---:|---:|"]
        for name, seconds in sorted(use.items(), key=lambda item: -item[1]):
            rows.append(f"| {name} | {seconds:.1f} | {seconds / total:.0%} |")
    for name, boards in result["figures"].items():
        if name.endswith(("_by_board", "_by_model", "_by_size")):
            rows += ["", *board_table(name, boards)]
    return "\n".join(rows) + "\n"


def alarm_table(name: str, rates: dict[str, dict[str, float]]) -> list[str]:
    """Share of frame sets with an alarm: a row for each rule, a column for each world."""
    worlds = list(rates)
    rows = [f"| {name.replace('_', ' ')} | {' | '.join(worlds)} |"]
    rows.append("|---|" + "---:|" * len(worlds))
    for rule in rates[worlds[0]]:
        shares = " | ".join(f"{rates[world][rule]:.2%}" for world in worlds)
        rows.append(f"| {rule} | {shares} |")
    return rows


def comparison(name: str, cases: dict[str, dict[str, float]]) -> list[str]:
    """A row for each case, a column for each figure that all of them have."""
    columns = list(next(iter(cases.values())))
    rows = [f"| {name.replace('_', ' ')}, s | {' | '.join(columns)} |"]
    rows.append("|---|" + "---:|" * len(columns))
    for case, figures in cases.items():
        rows.append(f"| {case} | {' | '.join(f'{figures[each]:.3g}' for each in columns)} |")
    return rows


def circumstances(figures: dict[str, Any]) -> list[str]:
    """What the figures were measured on, and the worst of them."""
    lines = [
        f"* {name.replace('_', ' ')}: {value:.4g}"
        if isinstance(value, float)
        else f"* {name.replace('_', ' ')}: {value}"
        for name, value in figures.items()
        if isinstance(value, (bool, int, float, str))
    ]
    runs = [run for run in figures.get("runs", ()) if "int8" in run]
    if runs:
        worst = ", ".join(
            f"{run['int8']['worst_group']} {run['int8']['worst_group_f1']:.2f} (seed {run['seed']})"
            for run in runs
        )
        lines.append(f"* worst group, int8 macro F1: {worst}")
    return lines


def board_table(name: str, boards: dict[str, dict[str, Any]]) -> list[str]:
    """A row for each number, a column for each board."""
    rows = [f"| {name.replace('_', ' ')} | {' | '.join(boards)} |"]
    rows.append("|---|" + "---:|" * len(boards))
    for key, first in next(iter(boards.values())).items():
        if isinstance(first, (int, float)):
            cells = " | ".join(f"{board[key]:g}" for board in boards.values())
            rows.append(f"| {key.replace('_', ' ')} | {cells} |")
    return rows


def main() -> None:
    """Write the pages."""
    results = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]
    PAGE.write_text("\n".join([HEAD, *map(section, results)]), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
    for result in results:
        if result["benchmark"] in BLOCKS:
            page, blocks = BLOCKS[result["benchmark"]]
            fill(page, blocks(result))


if __name__ == "__main__":
    main()
