"""Hold a table against expectations with Great Expectations, and read which rows failed which.

Written against Great Expectations 1.24. Importing it costs 5 s: only inside functions.
"""

from __future__ import annotations

import copy
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tinyops.errors import TinyOpsError

if TYPE_CHECKING:
    import pandas as pd


class GateError(TinyOpsError):
    """The gate itself did not work; it says nothing about the rows."""


@dataclass(frozen=True)
class Failure:
    """An expectation that a row, or the whole table, did not meet: what was found, and its meta."""

    column: str
    value: object
    meta: dict[str, str]


def import_gx() -> Any:
    """Great Expectations with its usage reports off: nothing leaves the house unasked."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    # GX 1.24 says 200 lines of itself while it is imported: nine tenths of a task's log in Airflow.
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations

    return great_expectations


def validate(table: pd.DataFrame, suite: str, expectations: list[Any], run: str) -> Any:
    """GX's ExpectationSuiteValidationResult for a table whose column `row` numbers its rows.

    `suite` and `run` are the names that Data Docs show.
    """
    gx = import_gx()
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("tinyops").add_dataframe_asset("rows")
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(
            name=suite,
            data=asset.add_batch_definition_whole_dataframe("batch"),
            suite=context.suites.add(gx.ExpectationSuite(name=suite, expectations=expectations)),
        )
    )
    return definition.run(
        batch_parameters={"dataframe": table},
        result_format={
            "result_format": "COMPLETE",
            "unexpected_index_column_names": ["row"],
            "partial_unexpected_count": 10,
        },
        run_id=RunIdentifier(run_name=run),
    )


def merged(first: Any, second: Any) -> Any:
    """One ExpectationSuiteValidationResult of two, for Data Docs: `first` with the results of
    `second` behind its own."""
    results = [*first.results, *second.results]
    successes = sum(result.success for result in results)
    joint = copy.copy(first)
    joint.results = results
    joint.success = first.success and second.success
    joint.statistics = {
        "evaluated_expectations": len(results),
        "successful_expectations": successes,
        "unsuccessful_expectations": len(results) - successes,
        "success_percent": 100.0 * successes / len(results) if results else None,
    }
    return joint


def failures(validation: Any) -> tuple[dict[int, list[Failure]], list[Failure]]:
    """{row: its failures in the suite's order}, and what the table as a whole misses, with the
    value that was observed.

    Raises
    ------
    GateError
        An expectation raised instead of answering.
    """
    rows: dict[int, list[Failure]] = {}
    whole: list[Failure] = []
    for result in validation.results:
        if result.success:
            continue
        config = result.expectation_config
        column = config.kwargs.get("column")
        # An expectation that raised has answered nothing: success is False, but no row is named.
        found = result.result.get("unexpected_index_list") or []
        if column is None or "observed_value" in result.result:
            whole.append(Failure(column or "", result.result.get("observed_value"), config.meta))
        elif not found:
            raise GateError(
                f"expectation {config.type} on {column} gave no answer: {_exception(result)}",
                "report a bug: the gate's table does not fit the suite",
            )
        for row in found:
            failure = Failure(column, row.get(column), config.meta)
            rows.setdefault(int(row["row"]), []).append(failure)
    return rows, whole


def _exception(result: Any) -> str:
    messages = [
        info.get("exception_message")
        for info in (result.exception_info or {}).values()
        if isinstance(info, dict)
    ]
    return str(next((message for message in messages if message), "no exception"))
