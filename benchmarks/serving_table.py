"""The tables of results/serving.json."""

from __future__ import annotations

from typing import Any

from benchmarks.page_tables import row, table


def blocks(result: dict[str, Any]) -> dict[str, list[str]]:
    """Each table by its name, with a line of its circumstances."""
    found = result["figures"]
    return {
        "serving_emulated": [
            f"On {found['board']}, **emulated**: {found['clock_mhz']:g} MHz, "
            f"{found['cycles_per_instruction_assumed']:g} cycle an instruction assumed, latency "
            f"bound {found['board_latency_bound_ms']:g} ms.",
            "",
            *by_model(found["emulated_by_model"]),
        ],
        "serving_host": [
            "On the host that ran it, **host-measured**: LiteRT, one thread, latency bound "
            f"{found['host_latency_bound_ms']:g} ms, {result['cores']} cores, load average "
            f"{found['load_average']:g} at the end (above about 1, the times say little).",
            "",
            *by_model(found["host_measured_by_model"]),
        ],
        "litert_beside_tflm": by_model(found["litert_beside_tflm_by_model"]),
    }


def by_model(models: dict[str, dict[str, float]]) -> list[str]:
    """A row a model, a column a figure."""
    columns = list(next(iter(models.values())))
    rows = table("model", *columns)
    return rows + [
        row(name, *(number(of[each]) for each in columns)) for name, of in models.items()
    ]


def number(value: float) -> str:
    """Four digits; counts in full."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
