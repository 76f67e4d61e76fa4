"""Result of the gate: recordings that go on, recordings that are quarantined, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Refusal:
    """One recording and what is wrong with it; `fixes` in the order of `reasons`."""

    row: int
    recording_id: str
    reasons: tuple[str, ...]
    fixes: tuple[str, ...]


@dataclass(frozen=True)
class GateResult:
    """Result of a check.

    `table` has one row per recording (`columns.COLUMNS`, the project's own, `compare.COMPARED`),
    `refusals` are quarantined, `problems` concern the batch as a whole. `warnings` are of
    recordings that go on for all that, `remarks` of the batch. `counts` are recordings by
    expectation (1 for the batch) that only a warning came of. `validation` is GX's
    ExpectationSuiteValidationResult.
    """

    table: pd.DataFrame
    refusals: tuple[Refusal, ...]
    problems: tuple[str, ...]
    warnings: tuple[Refusal, ...]
    remarks: tuple[str, ...]
    counts: dict[str, int]
    validation: Any

    @property
    def refused_rows(self) -> frozenset[int]:
        """Rows that may not go on; all of them when the batch as a whole is refused."""
        if self.problems:
            return frozenset(range(len(self.table)))
        return frozenset(refusal.row for refusal in self.refusals)

    @property
    def accepted(self) -> int:
        """Number of recordings that are accepted."""
        return len(self.table) - len(self.refused_rows)

    @property
    def reason(self) -> str:
        """Why nothing goes on, or "" when something does."""
        if self.problems:
            return "; ".join(self.problems)
        if self.accepted:
            return ""
        first = self.refusals[0]
        return f"no recording is good; {first.recording_id or 'row 0'}: {first.reasons[0]}"

    def summary(self) -> dict[str, Any]:
        """Counts for manifests and event extras."""
        statistics = self.validation.statistics
        return {
            "recordings": len(self.table),
            "accepted": self.accepted,
            "refused": len(self.refused_rows),
            "warned": len(self.warnings),
            "warnings": self.counts,
            "expectations": statistics["evaluated_expectations"],
            "expectations_met": statistics["successful_expectations"],
        }
