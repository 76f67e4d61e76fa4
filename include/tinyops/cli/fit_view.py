"""What `tinyops fit` prints: totals against limits, then the parts of each board's memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from tinyops.printable import rich_text

if TYPE_CHECKING:
    from tinyops.conversion.images.fit import FitReport
    from tinyops.conversion.images.memory import Part


@dataclass
class _Row:
    """Parts of one name and source."""

    part: Part
    flash: int | None = None
    ram: int | None = None


def show_fit(reports: list[FitReport], console: Console) -> None:
    """Print the reports; sources are numbered and come last."""
    console.print(_totals(reports))
    for report in reports:
        for line in report.problems:
            console.print(f"{report.board}: {rich_text(line)}")
        if report.fix:
            console.print(f"{report.board}: {rich_text(report.fix)}")
    noted: dict[str, list[str]] = {}
    for report in reports:
        for line in report.notes:
            noted.setdefault(line, []).append(report.board)
    for line, boards in noted.items():
        of = "all boards" if len(boards) == len(reports) > 1 else ", ".join(boards)
        console.print(f"{rich_text(of)}: {rich_text(line)}")
    sources: list[str] = []
    if any(report.flash_parts for report in reports):
        console.print(_parts(reports, sources))
    for number, source in enumerate(sources, start=1):
        console.print(f"[dim]({number}) {rich_text(source)}[/]")


def _totals(reports: list[FitReport]) -> Table:
    table = Table("board", "runtime", "fits", "flash KiB", "RAM KiB")
    for report in reports:
        table.add_row(
            rich_text(report.board),
            report.runtime,
            "[green]yes" if report.fits else "[red]no",
            _share(report.flash_bytes, report.flash_limit),
            _share(report.ram_bytes, report.ram_limit),
        )
    return table


def _parts(reports: list[FitReport], sources: list[str]) -> Table:
    table = Table("bytes", "flash", "RAM", "", "source", box=None)
    for column in (1, 2, 4):
        table.columns[column].justify = "right"
    for report in reports:
        if report.flash_parts:
            table.add_row(f"[bold]{rich_text(report.board)}")
        for row in _rows(report):
            if row.part.source not in sources:
                sources.append(row.part.source)
            table.add_row(
                f"  {rich_text(row.part.name)}",
                "" if row.flash is None else f"{row.flash:,}",
                "" if row.ram is None else f"{row.ram:,}",
                "measured" if row.part.measured else "[yellow]estimated",
                f"({sources.index(row.part.source) + 1})",
            )
    return table


def _rows(report: FitReport) -> list[_Row]:
    rows: dict[tuple[str, str], _Row] = {}
    for part in report.flash_parts:
        rows.setdefault((part.name, part.source), _Row(part)).flash = part.bytes
    for part in report.ram_parts:
        rows.setdefault((part.name, part.source), _Row(part)).ram = part.bytes
    return sorted(rows.values(), key=lambda row: not row.part.measured)


def _share(used: int | None, limit: int) -> str:
    return (
        f"- of {limit / 1024:.0f}" if used is None else f"{used / 1024:.0f} of {limit / 1024:.0f}"
    )
