"""Which runtime takes which of others' models, and why not: benchmarks/results/edges.json.

Needs ../shared/data/tflite_models.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.report import SHARED, Report, options
from tinyops.conversion.images.operators import operator_sets, supported

MODELS = SHARED / "data" / "tflite_models"
FIVE = ("ad01_int8", "kws_ref_model", "pretrainedResnet_quant", "str_ww_ref_model", "vww_96_int8")


def edges() -> dict[str, dict[str, str]]:
    """Model -> runtime -> '' or why not."""
    return {
        str(path.relative_to(MODELS)): {
            verdict.runtime: verdict.problem for verdict in supported(path.read_bytes()).verdicts
        }
        for path in sorted(MODELS.rglob("*.tflite"))
    }


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
    report.finish()


if __name__ == "__main__":
    main()
