"""Which runtime takes which of others' models, and why not: benchmarks/results/edges.json.

For the two runtimes of boards a model counts as taken when its image is built and proven. Needs
../shared/data/tflite_models; ../shared/failing/models too, where it is here.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.report import SHARED, Report, options
from tinyops.boards.catalogue import load_board
from tinyops.conversion.candidates.prove import prove
from tinyops.conversion.images.bare import build_bare, inputs_for
from tinyops.conversion.images.operators import operator_sets, supported
from tinyops.conversion.tflite.errors import CompilerMissing
from tinyops.conversion.tflite.reference import Reference
from tinyops.errors import TinyOpsError

PUBLIC = SHARED / "data" / "tflite_models"
MADE = SHARED / "failing" / "models"
BOARDS = {"boards with runtime tflm": "esp-eye", "boards with runtime aot": "nano33ble-sense"}
SAMPLES = 3
FIVE = ("ad01_int8", "kws_ref_model", "pretrainedResnet_quant", "str_ww_ref_model", "vww_96_int8")


def models(quick: bool) -> Iterator[tuple[str, bytes]]:
    """Name and content; quick: the public ones."""
    for folder in (PUBLIC,) if quick else (PUBLIC, MADE):
        for path in sorted(folder.rglob("*.tflite")):
            prefix = "" if folder == PUBLIC else "made/"
            yield prefix + str(path.relative_to(folder)), path.read_bytes()


def outcomes(tflite: bytes, quick: bool) -> dict[str, str]:
    """Runtime -> '' or why not; quick: nothing is built."""
    said = {verdict.runtime: verdict.problem for verdict in supported(tflite).verdicts}
    if not quick:
        said |= {runtime: unproven(tflite, board) for runtime, board in BOARDS.items()}
    return said


def unproven(tflite: bytes, board: str) -> str:
    """'' if the model's image for a board gives the bytes of the reference; else why not."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            built = build_bare(tflite, load_board(board), "model", Path(folder))
            shape = Reference(built.canonical).input_shape[1:]
            prove(built.image, built.canonical, inputs_for(shape, SAMPLES, seed=0))
        except CompilerMissing:
            raise
        except TinyOpsError as error:
            return error.message
    return ""


def main() -> None:
    """Ask, build, prove, check, write."""
    quick = options(__doc__).quick
    if not PUBLIC.exists():
        sys.exit("skipped: ../shared/data/tflite_models is not here")
    report = Report("edges", quick)
    found: dict[str, Any] = {}
    for name, content in models(quick):
        found[name] = outcomes(content, quick)
        for runtime in BOARDS:
            print(f"{name}, {runtime}: {found[name][runtime] or 'proven'}", flush=True)
    five = [model for model in found if Path(model).stem in FIVE and not any(found[model].values())]
    report.at_least("MLPerf Tiny int8 models that every runtime takes", len(five), 5)
    hybrid = found["mlperf_tiny/ad01_dynrange_quant.tflite"]
    refused = sum("hybrid model" in hybrid[board] for board in BOARDS)
    report.at_least("runtimes of boards that refuse the hybrid model by name", refused, 2)
    nameless = [
        model
        for model, said in found.items()
        if "(operator" not in said["boards with runtime aot"]
        and "the ahead-of-time compiler" in said["boards with runtime aot"]
    ]
    report.at_most("compiler's refusals that name no operator", len(nameless), 0)
    report.figures["models"] = found
    report.figures["boards"] = BOARDS
    report.figures["operators"] = {
        each.package: {"version": each.version, "count": len(each.operators)}
        for each in operator_sets()
    }
    report.finish()


if __name__ == "__main__":
    main()
