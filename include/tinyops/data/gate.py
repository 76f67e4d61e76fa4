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
from tinyops.data.suite import expectations, import_gx
from tinyops.data.summary import summarise
from tinyops.errors import TinyOpsError
from tinyops.projects import Project

if TYPE_CHECKING:
    import pandas as pd


class GateError(TinyOpsError):
    """The gate itself did not work; it says nothing about the recordings."""


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
    validation = _validate(table, project, name)
    refusals, problems = _read(validation, table)
    return GateResult(table, refusals, problems, validation)


def _validate(table: pd.DataFrame, project: Project, name: str) -> Any:
    gx = import_gx()
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("tinyops").add_dataframe_asset("recordings")
    suite = gx.ExpectationSuite(name=project.name, expectations=expectations(project))
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(
            name=project.name,
            data=asset.add_batch_definition_whole_dataframe("batch"),
            suite=context.suites.add(suite),
        )
    )
    return definition.run(
        batch_parameters={"dataframe": table},
        result_format={
            "result_format": "COMPLETE",
            "unexpected_index_column_names": ["row"],
            "partial_unexpected_count": 10,
        },
        run_id=RunIdentifier(run_name=name),
    )


def _read(validation: Any, table: pd.DataFrame) -> tuple[tuple[Refusal, ...], tuple[str, ...]]:
    found: dict[int, list[tuple[str, str]]] = {}
    problems: list[str] = []
    for result in validation.results:
        if result.success:
            continue
        config = result.expectation_config
        why, fix = config.meta["why"], config.meta["fix"]
        column = config.kwargs.get("column")
        # An expectation that raised has answered nothing: success is False, but no row is named.
        rows = result.result.get("unexpected_index_list") or []
        if column is not None and not rows:
            raise GateError(
                f"expectation {config.type} on {column} gave no answer: {_exception(result)}",
                "report a bug: the gate's table does not fit the suite",
            )
        if column is None:
            problems.append(f"expected {why}; {fix}")
        for row in rows:
            found.setdefault(row["row"], []).append((_sentence(why, column, row.get(column)), fix))
    broken = table.set_index("row")["problem"].dropna().to_dict()
    refusals = []
    for row, reasons in sorted(found.items()):
        # What a bad row lacks follows from its one problem.
        said = [(broken[row], "correct the row")] if row in broken else reasons
        recording_id = table["recording_id"].iloc[row]
        refusals.append(
            Refusal(
                row=int(row),
                recording_id=recording_id if isinstance(recording_id, str) else "",
                reasons=tuple(reason for reason, _ in said),
                fixes=tuple(fix for _, fix in said),
            )
        )
    return tuple(refusals), tuple(problems)


def _sentence(why: str, column: str, value: object) -> str:
    shown = f"{value:.6g}" if isinstance(value, float) else repr(value)
    return f"{column} is {shown[:120]}, expected {why}"


def _exception(result: Any) -> str:
    messages = [
        info.get("exception_message")
        for info in (result.exception_info or {}).values()
        if isinstance(info, dict)
    ]
    return str(next((message for message in messages if message), "no exception"))
