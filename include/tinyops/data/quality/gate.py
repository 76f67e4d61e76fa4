"""The quality gate: Great Expectations over one row per recording; bad recordings, not bad batches.

What a miss leads to is its severity: the batch is refused, the recordings concerned are quarantined
with their reasons while the others go on, or they go on too and it is said. A batch is also refused
whole when it cannot be read, holds nothing, or has no good recording.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tinyops.data.datasets.index import IndexRow
from tinyops.data.quality.comparison.compare import compare
from tinyops.data.quality.project_expectations import own_expectations
from tinyops.data.quality.rules import Own
from tinyops.data.quality.suite import expectations
from tinyops.data.quality.summary import gate_table, summarise
from tinyops.data.quality.validation import Failure, failures, validate
from tinyops.data.recordings.parquet import BadRow
from tinyops.data.recordings.recording import Recording
from tinyops.projects import Project

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
    """What the gate found.

    `table` has one row per recording (`summary.COLUMNS`, the project's own, `compare.COMPARED`),
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
            "warned": len(self.warnings),
            "warnings": self.counts,
            "expectations": statistics["evaluated_expectations"],
            "expectations_met": statistics["successful_expectations"],
        }


def check(
    recordings: Iterable[Recording | BadRow] | pd.DataFrame,
    project: Project,
    known: Sequence[IndexRow] = (),
    name: str = "check",
) -> GateResult:
    """Hold recordings, or their table, against the project.

    Parameters
    ----------
    recordings
        Recordings and bad rows as they come, or what `summarise` made of them.
    known
        The index of what the dataset holds already.
    name
        Name of the run in Data Docs; the batch.

    Raises
    ------
    GateError
        An expectation raised instead of answering.
    ExpectationsError
        The project's expectations.py cannot be used.
    """
    import pandas as pd

    table = recordings if isinstance(recordings, pd.DataFrame) else summarise(recordings, project)
    return _check(table, project, own_expectations(project), known, name)


def check_entries(
    entries: Iterable[Mapping[str, Any]],
    project: Project,
    known: Sequence[IndexRow],
    name: str,
) -> GateResult:
    """Like `check`, for what `measure` said of a batch's rows; files may be measured apart."""
    own = own_expectations(project)
    table = gate_table(entries, own.columns.names if own else ())
    return _check(table, project, own, known, name)


def _check(
    table: pd.DataFrame, project: Project, own: Own | None, known: Sequence[IndexRow], name: str
) -> GateResult:
    table = compare(table, project, known)
    validation = validate(table, project.name, expectations(project, known, own), name)
    return _read(validation, table)


def _read(validation: Any, table: pd.DataFrame) -> GateResult:
    found, missed = failures(validation)
    broken = table.set_index("row")["problem"].dropna().to_dict()
    names = table["recording_id"].tolist()
    problems = [_of_batch(one) for one in missed if one.meta["severity"] != "warn"]
    refusals, warnings = [], []
    counts = Counter(one.meta["name"] for one in missed if one.meta["severity"] == "warn")
    for row, failed in sorted(found.items()):
        if row in broken:
            # What a bad row lacks follows from its one problem.
            refusals.append(_refusal(row, names[row], [(broken[row], "correct the row")]))
            continue
        bad = [one for one in failed if one.meta["severity"] != "warn"]
        mild = [one for one in failed if one.meta["severity"] == "warn"]
        problems += [
            f"recording {names[row]!r}: {_sentence(one)}; {one.meta['fix']}"
            for one in bad
            if one.meta["severity"] == "refuse"
        ]
        if bad:
            refusals.append(_refusal(row, names[row], [_said(one) for one in bad]))
        elif mild:
            warnings.append(_refusal(row, names[row], [_said(one) for one in mild]))
            counts.update(one.meta["name"] for one in mild)
    return GateResult(
        table=table,
        refusals=tuple(refusals),
        problems=tuple(problems),
        warnings=tuple(warnings),
        remarks=tuple(_of_batch(one) for one in missed if one.meta["severity"] == "warn"),
        counts=dict(sorted(counts.items())),
        validation=validation,
    )


def _refusal(row: int, name: object, said: list[tuple[str, str]]) -> Refusal:
    return Refusal(
        row=row,
        recording_id=name if isinstance(name, str) else "",
        reasons=tuple(reason for reason, _ in said),
        fixes=tuple(fix for _, fix in said),
    )


def _of_batch(failure: Failure) -> str:
    seen = f" ({failure.value})" if isinstance(failure.value, str) else ""
    return f"expected {failure.meta['why']}{seen}; {failure.meta['fix']}"


def _said(failure: Failure) -> tuple[str, str]:
    return _sentence(failure), failure.meta["fix"]


def _sentence(failure: Failure) -> str:
    # A column of which a batch has nothing holds NaN for it.
    value = None if failure.value != failure.value else failure.value
    shown = f"{value:.6g}" if isinstance(value, float) else repr(value)
    return f"{failure.column} is {shown[:120]}, expected {failure.meta['why']}"
