"""Which runtime takes which of others' models, and why not: benchmarks/results/edges.json.

It fills the table of docs/models.md too. Needs ../shared/data/tflite_models.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from report import SHARED, Report, options

from tinyops.conversion.operators import operator_sets, supported

PAGE = Path(__file__).resolve().parents[1] / "docs" / "models.md"
MODELS = SHARED / "data" / "tflite_models"
FIVE = ("ad01_int8", "kws_ref_model", "pretrainedResnet_quant", "str_ww_ref_model", "vww_96_int8")
MARK = re.compile(r"(<!-- edges -->\n).*?(<!-- /edges -->)", re.S)


def edges() -> dict[str, dict[str, str]]:
    """Model -> runtime -> '' or why not."""
    return {
        str(path.relative_to(MODELS)): {
            verdict.runtime: verdict.problem for verdict in supported(path.read_bytes()).verdicts
        }
        for path in sorted(MODELS.rglob("*.tflite"))
    }


def table(found: dict[str, dict[str, str]]) -> str:
    """The rows, and what is said of those that are refused."""
    runtimes = list(next(iter(found.values())))
    rows = [f"| model | {' | '.join(runtimes)} |", "|---|" + "---|" * len(runtimes)]
    lines: list[str] = []
    for model, verdicts in found.items():
        cells = []
        for runtime in runtimes:
            problem = verdicts[runtime]
            if problem and problem not in lines:
                lines.append(problem)
            cells.append(f"no ({lines.index(problem) + 1})" if problem else "yes")
        rows.append(f"| {model} | {' | '.join(cells)} |")
    said = [f"{number}. `{line}`" for number, line in enumerate(lines, start=1)]
    asked = ", ".join(
        f"{each.package} {each.version} ({len(each.operators)} operators)"
        for each in operator_sets()
    )
    return "\n".join(["", *rows, "", *said, "", f"Asked of {asked}.", "", ""])


def main() -> None:
    """Ask, check, write."""
    report = Report("edges", options(__doc__).quick)
    found = edges()
    boards = ("boards with runtime tflm", "boards with runtime aot")
    five: list[Any] = [
        model for model in found if Path(model).stem in FIVE and not any(found[model].values())
    ]
    report.at_least("MLPerf Tiny int8 models that every runtime takes", len(five), 5)
    hybrid = found["mlperf_tiny/ad01_dynrange_quant.tflite"]
    refused = sum("hybrid model" in hybrid[board] for board in boards)
    report.at_least("runtimes of boards that refuse the hybrid model by name", refused, 2)
    report.figures["models"] = found
    report.figures["operators"] = {
        each.package: {"version": each.version, "count": len(each.operators)}
        for each in operator_sets()
    }
    if not report.quick:
        text = PAGE.read_text()
        PAGE.write_text(MARK.sub(lambda part: part[1] + table(found) + part[2], text))
    report.finish()


if __name__ == "__main__":
    main()
