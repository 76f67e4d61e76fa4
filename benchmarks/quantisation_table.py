"""The table of results/quantisation.json."""

from __future__ import annotations

from typing import Any

from benchmarks.page_tables import row, table

COLUMNS = ("int8_loss", "int8_class_loss", "int8_slice_loss", "tail_loss", "separation_loss")


def blocks(result: dict[str, Any]) -> dict[str, list[str]]:
    """A row for each way in which a model became int8; losses on the test part."""
    rows = table("model (float macro F1)", "int8 by", *COLUMNS, "beyond limits", text=2)
    for case, found in result["figures"]["cases"].items():
        for method, loss in found["methods"].items():
            figures = loss["figures"]
            cells = (f"{figures[name]:.3f}" if name in figures else "too few" for name in COLUMNS)
            title = f"{case} ({found['float_macro_f1']:.3f})"
            rows.append(row(title, method, *cells, ", ".join(loss["beyond"]) or "none"))
    return {"quantisation": rows}
