"""Last step of the gate: what each failed expectation leads to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tinyops.data.datasets.index import IndexRow
from tinyops.data.quality.result import GateResult, Refusal
from tinyops.data.quality.rules import Own
from tinyops.data.quality.suite import class_expectations, expectations
from tinyops.data.quality.validation import Failure, failures, merged, validate
from tinyops.projects import Project

if TYPE_CHECKING:
    import pandas as pd


def decide(
    table: pd.DataFrame,
    project: Project,
    known: Sequence[IndexRow] = (),
    own: Own | None = None,
    name: str = "check",
) -> GateResult:
    """Validate the compared table and sort the failures by their severity.

    Classes are counted of the recordings that are accepted: refused ones do not train a model.

    Parameters
    ----------
    table
        As `compare` returns it.
    known, own, name
        As in `gate.check`; `own` are the project's own expectations.

    Raises
    ------
    GateError
        An expectation raised instead of answering.
    """
    validation = validate(table, project.name, expectations(project, known, own), name)
    found, missed = failures(validation)
    broken = table.set_index("row")["problem"].dropna().to_dict()
    accepted = table[~table["row"].isin(_refused(found) | set(broken))]
    if len(accepted):
        classes = validate(accepted, project.name, class_expectations(project, known), name)
        missed += failures(classes)[1]
        validation = merged(validation, classes)
    names = table["recording_id"].tolist()
    problems = [_of_batch(one) for one in missed if _is_grave(one)]
    refusals, warnings = [], []
    counts = Counter(one.meta["name"] for one in missed if not _is_grave(one))
    for row, failed in sorted(found.items()):
        if row in broken:
            # What a bad row lacks follows from its one problem.
            refusals.append(_refusal(row, names[row], [(broken[row], "correct the row")]))
            continue
        bad = [one for one in failed if _is_grave(one)]
        mild = [one for one in failed if not _is_grave(one)]
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
        remarks=tuple(_of_batch(one) for one in missed if not _is_grave(one)),
        counts=dict(sorted(counts.items())),
        validation=validation,
    )


def _refused(found: Mapping[int, Sequence[Failure]]) -> set[int]:
    return {row for row, failed in found.items() if any(_is_grave(one) for one in failed)}


def _is_grave(failure: Failure) -> bool:
    return failure.meta["severity"] != "warn"


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
