"""The quality gate: Great Expectations over one row per recording; bad recordings, not bad batches.

What a miss leads to is its severity: the batch is refused, the recordings concerned are quarantined
with their reasons while the others go on, or they go on too and it is said. A batch is also refused
whole when it cannot be read, holds nothing, or has no good recording.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tinyops.data.datasets.index import IndexRow
from tinyops.data.quality.comparison.compare import compare
from tinyops.data.quality.decide import decide
from tinyops.data.quality.measure import gate_table, measure
from tinyops.data.quality.project_expectations import own_expectations
from tinyops.data.quality.result import GateResult
from tinyops.data.recordings.parquet import BadRow
from tinyops.data.recordings.recording import Recording
from tinyops.projects import Project


def check(
    recordings: Iterable[Recording | BadRow],
    project: Project,
    known: Sequence[IndexRow] = (),
    name: str = "check",
) -> GateResult:
    """Check recordings and bad rows against the project; errors as in `check_measured`."""
    return check_measured(measure(recordings, project), project, known, name)


def check_measured(
    measured: Iterable[Mapping[str, Any]],
    project: Project,
    known: Sequence[IndexRow] = (),
    name: str = "check",
) -> GateResult:
    """Check a batch whose rows are measured already; its files may be measured apart.

    Parameters
    ----------
    measured
        As `measure` returns the batch's rows, in their order.
    known
        The index of the previous dataset version.
    name
        Name of the run in Data Docs; the batch.

    Raises
    ------
    GateError
        An expectation raised instead of answering.
    ExpectationsError
        The project's expectations.py cannot be used.
    """
    own = own_expectations(project)
    table = gate_table(measured, own.columns.names if own else ())
    compared = compare(table, project, known)
    return decide(compared, project, known, own, name)
