"""The table of docs/serving.md, from benchmarks/results/serving.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[1] / "docs" / "serving.md"
BEGIN, END = "<!-- figures: written by benchmarks/tables.py -->", "<!-- end of figures -->"


def write(result: dict[str, Any]) -> None:
    """Put the figures between the page's marks."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{figures(result)}\n{END}{after}", encoding="utf-8")


def figures(result: dict[str, Any]) -> str:
    """The tables as Markdown."""
    found = result["figures"]
    lines = [
        f"On {found['board']}, **emulated**: {found['clock_mhz']:g} MHz, "
        f"{found['cycles_per_instruction_assumed']:g} cycle an instruction assumed, latency bound "
        f"{found['board_latency_bound_ms']:g} ms.",
        "",
        *table(found["emulated_by_model"]),
        "",
        f"On the host that ran it, **host-measured**: LiteRT, one thread, latency bound "
        f"{found['host_latency_bound_ms']:g} ms, {result['cores']} cores, load average "
        f"{found['load_average']:g} at the end (above about 1, the times say little).",
        "",
        *table(found["host_measured_by_model"]),
        "",
        "LiteRT's logits beside those of TensorFlow Lite Micro, which boards equal byte for byte:",
        "",
        *table(found["litert_beside_tflm_by_model"]),
    ]
    return "\n".join(lines)


def table(models: dict[str, dict[str, float]]) -> list[str]:
    """A row a model, a column a figure."""
    columns = list(next(iter(models.values())))
    rows = [f"| model | {' | '.join(columns)} |", "|---|" + "---:|" * len(columns)]
    for name, content in models.items():
        cells = (number(content[column]) for column in columns)
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows


def number(value: float) -> str:
    """Four digits; counts in full."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
