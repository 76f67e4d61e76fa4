"""Which recording this is, and that it is there once."""

from __future__ import annotations

from tinyops.data.quality.columns import COLUMNS
from tinyops.data.quality.comparison.compare import COMPARED
from tinyops.data.quality.rules.kinds import empty, gxe, there
from tinyops.data.quality.rules.rule import Own, Rule

# Names become parts of file names and of Parquet partitions elsewhere.
NAME = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$"


def identity(own: Own | None) -> list[Rule]:
    """Rules about the table and names. `own`: what the project adds."""
    classes = gxe()

    def plain(name: str, column: str, why: str) -> Rule:
        kind = classes.ExpectColumnValuesToMatchRegex
        return Rule(name, why, "rename it", kind, {"column": column, "regex": NAME})

    columns = [*COLUMNS, *(own.columns.names if own else ()), *COMPARED]
    return [
        Rule(
            "table",
            "every property of a recording",
            "report a bug",
            classes.ExpectTableColumnsToMatchOrderedList,
            {"column_list": columns},
        ),
        Rule(
            "not_empty",
            "at least one recording",
            "send at least one",
            classes.ExpectTableRowCountToBeBetween,
            {"min_value": 1},
        ),
        empty("recording", "problem", "a row that is a recording", "correct the row"),
        there("id", "recording_id", "an id", "name it"),
        Rule(
            "unique_id",
            "an id of its own",
            "rename one",
            classes.ExpectColumnValuesToBeUnique,
            {"column": "recording_id"},
        ),
        plain("plain_id", "recording_id", "letters, digits and ._:-"),
        plain("plain_machine", "machine_id", "a plain name"),
        plain("plain_device", "device_id", "a plain name"),
        empty(
            "personal",
            "personal",
            "nothing about a person",
            "leave it out, or declare it in project.yaml: privacy.personal_fields: {name: purpose}",
        ),
        empty(
            "duplicate", "duplicate_of", "no capture twice", "leave it out: it would count twice"
        ),
        empty(
            "near_duplicate",
            "near_duplicate_of",
            "no capture shifted, rescaled or encoded anew",
            "leave it out: it would count twice",
        ),
    ]
