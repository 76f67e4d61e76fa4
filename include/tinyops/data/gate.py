"""The quality gate: Great Expectations over one row per recording; bad recordings, not bad batches.

A recording that fails any expectation is refused with its reasons, the others go on. A batch is
refused whole when it cannot be read, holds nothing, or has no good recording.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tinyops.data.parquet import BadRow
from tinyops.data.recording import Recording
from tinyops.data.suite import expectations
from tinyops.data.summary import summarise
from tinyops.data.validation import Failure, failures, validate
from tinyops.projects import Project

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Refusal:
    """One recording that may not go on, and why; `fixes` in the order of `reasons`."""

    row: int
    recording_id: str
    reasons: tuple[str, ...]
    fixes: tuple[str, ...]


@dataclass(frozen=True)
class GateResult:
    """What the gate found.

    `table` has one row per recording (`summary.COLUMNS`), `problems` concern the batch as a whole,
    `validation` is GX's ExpectationSuiteValidationResult.
    """

    table: pd.DataFrame
    refusals: tuple[Refusal, ...]
    problems: tuple[str, ...]
    validation: Any

    @property
    def refused_rows(self) -> frozenset[int]:
        """Rows that may not go on; all of them when the batch as a whole is refused."""
        if self.problems:
            return frozenset(range(len(self.table)))
        return frozenset(refusal.row for refusal in self.refusals)

    @property
    def accepted(self) -> int:
        """How many recordings go on."""
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
            "expectations": statistics["evaluated_expectations"],
            "expectations_met": statistics["successful_expectations"],
        }


def check(
    recordings: Iterable[Recording | BadRow] | pd.DataFrame,
    project: Project,
    known_fingerprints: Mapping[str, str] | None = None,
    name: str = "check",
) -> GateResult:
    """Hold recordings, or their table, against the project.

    Parameters
    ----------
    recordings
        Recordings and bad rows as they come, or what `summarise` made of them.
    known_fingerprints
        Fingerprint -> recording id of what the dataset holds already.
    name
        Name of the run in Data Docs; the batch.

    Raises
    ------
    GateError
        An expectation raised instead of answering.
    """
    import pandas as pd

    table = (
        recordings
        if isinstance(recordings, pd.DataFrame)
        else summarise(recordings, project, known_fingerprints)
    )
    validation = validate(table, project.name, expectations(project), name)
    refusals, problems = _read(validation, table)
    return GateResult(table, refusals, problems, validation)


def _read(validation: Any, table: pd.DataFrame) -> tuple[tuple[Refusal, ...], tuple[str, ...]]:
    found, missed = failures(validation)
    problems = tuple(f"expected {meta['why']}; {meta['fix']}" for meta in missed)
    broken = table.set_index("row")["problem"].dropna().to_dict()
    refusals = []
    for row, failed in sorted(found.items()):
        # What a bad row lacks follows from its one problem.
        said = (
            [(broken[row], "correct the row")]
            if row in broken
            else [(_sentence(one), one.meta["fix"]) for one in failed]
        )
        recording_id = table["recording_id"].iloc[row]
        refusals.append(
            Refusal(
                row=row,
                recording_id=recording_id if isinstance(recording_id, str) else "",
                reasons=tuple(reason for reason, _ in said),
                fixes=tuple(fix for _, fix in said),
            )
        )
    return tuple(refusals), problems


def _sentence(failure: Failure) -> str:
    value = failure.value
    shown = f"{value:.6g}" if isinstance(value, float) else repr(value)
    return f"{failure.column} is {shown[:120]}, expected {failure.meta['why']}"
