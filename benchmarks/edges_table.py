"""The table of results/edges.json."""

from __future__ import annotations

from typing import Any

from benchmarks.page_tables import row, table


def blocks(result: dict[str, Any]) -> dict[str, list[str]]:
    """Which runtime takes which model, and what is said of those that are refused."""
    boards = result["figures"]["boards"]
    found: dict[str, dict[str, str]] = result["figures"]["models"]
    runtimes = list(next(iter(found.values())))
    rows = table("model", *runtimes, text=1 + len(runtimes))
    lines: list[str] = []
    for model, problems in found.items():
        cells = []
        for runtime in runtimes:
            problem = problems[runtime]
            if problem and problem not in lines:
                lines.append(problem)
            taken = "proven" if runtime in boards else "yes"
            cells.append(f"no ({lines.index(problem) + 1})" if problem else taken)
        rows.append(row(model, *cells))
    said = [f"{number}. `{line}`" for number, line in enumerate(lines, start=1)]
    asked = ", ".join(
        f"{package} {each['version']} ({each['count']} operators)"
        for package, each in result["figures"]["operators"].items()
    )
    return {"edges": [*rows, "", *said, "", f"Asked of {asked}."]}
