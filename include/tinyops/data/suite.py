"""The expectations that every project's recordings must meet, built from project.yaml.

Written against Great Expectations 1.24. Importing it costs 5 s: only inside functions.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tinyops.data.summary import COLUMNS
from tinyops.data.validation import import_gx
from tinyops.projects import Project

# Names become parts of file names and of Parquet partitions elsewhere.
NAME = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$"
RATE_TOLERANCE = 0.01
CLIPPED = 0.01
NEAR_RAIL = 0.9
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
CLOCK_SKEW_DAYS = 10 / 1440


def expectations(project: Project) -> list[Any]:
    """All expectations on the gate's table. `meta.fix` says what to do about a row that fails."""
    import_gx()
    import great_expectations.expectations as gxe

    signal = project.signal
    low, high = signal.rate_hz * (1 - RATE_TOLERANCE), signal.rate_hz * (1 + RATE_TOLERANCE)

    def meant(kind: Any, why: str, fix: str, **settings: Any) -> Any:
        return kind(notes=why, meta={"why": why, "fix": fix}, **settings)

    between, in_set = gxe.ExpectColumnValuesToBeBetween, gxe.ExpectColumnValuesToBeInSet
    null, not_null = gxe.ExpectColumnValuesToBeNull, gxe.ExpectColumnValuesToNotBeNull
    regex, unique = gxe.ExpectColumnValuesToMatchRegex, gxe.ExpectColumnValuesToBeUnique
    return [
        meant(
            gxe.ExpectTableColumnsToMatchOrderedList,
            "every property of a recording",
            "report a bug",
            column_list=list(COLUMNS),
        ),
        meant(
            gxe.ExpectTableRowCountToBeBetween,
            "at least one recording",
            "send at least one",
            min_value=1,
        ),
        meant(null, "null: the row is a recording", "correct the row", column="problem"),
        meant(not_null, "an id", "name it", column="recording_id"),
        meant(unique, "an id of its own", "rename one", column="recording_id"),
        meant(
            regex,
            "letters, digits and ._:-",
            "rename it",
            column="recording_id",
            regex=NAME,
        ),
        meant(regex, "a plain name", "rename it", column="machine_id", regex=NAME),
        meant(regex, "a plain name", "rename it", column="device_id", regex=NAME),
        meant(
            null,
            "null: no capture twice",
            "leave it out: it would be counted twice",
            column="duplicate_of",
        ),
        meant(
            in_set,
            f"the project's sensor, {project.sensor}",
            "send it to the project it belongs to",
            column="sensor",
            value_set=[project.sensor],
        ),
        meant(
            in_set,
            f"the project's channels in order, {','.join(signal.channels)}",
            "name and order channels as project.yaml does",
            column="channels",
            value_set=[",".join(signal.channels)],
        ),
        meant(
            in_set,
            f"the project's unit, {signal.unit}",
            "convert the signal",
            column="unit",
            value_set=[signal.unit],
        ),
        meant(
            between,
            f"within 1 % of the project's {signal.rate_hz:g} Hz",
            "resample, or record at the project's rate",
            column="rate_hz",
            min_value=low,
            max_value=high,
        ),
        meant(not_null, "a rate", "state the rate", column="rate_hz"),
        meant(not_null, "a label", "label it, then send it", column="label"),
        meant(
            in_set,
            f"a class of the project: {', '.join(project.labels)}",
            "correct the label or add the class to project.yaml",
            column="label",
            value_set=project.labels,
        ),
        meant(
            not_null,
            f"a group to split by, {project.split.group_by}",
            "record the condition that split.group_by names",
            column="group",
        ),
        meant(
            between,
            "at least one window",
            "record longer",
            column="windows",
            min_value=1,
        ),
        meant(
            between,
            "1: every sample a number",
            "find where NaN or infinity comes from",
            column="finite_share",
            min_value=1,
        ),
        meant(
            between,
            "below 1: no whole window of one constant value",
            "check the sensor and its cable",
            column="flat_windows",
            max_value=1,
            strict_max=True,
        ),
        meant(
            between,
            "less than 1 % of samples at full scale",
            "lower the gain or choose a wider full scale",
            column="clipped_share",
            max_value=CLIPPED,
            strict_max=True,
        ),
        meant(
            between,
            f"a mean within {NEAR_RAIL:g} of full scale",
            "check the sensor's offset and the unit",
            column="dc_share",
            max_value=NEAR_RAIL,
        ),
        meant(
            between,
            "a level above 0 and within full scale",
            "check the unit and the sensor",
            column="rms_share",
            min_value=0,
            strict_min=True,
            max_value=1,
        ),
        meant(
            between,
            "recorded after 1 January 2000, not in the future",
            "set the clock of the recorder (UTC)",
            column="age_days",
            min_value=-CLOCK_SKEW_DAYS,
            max_value=(datetime.now(UTC) - OLDEST).days,
        ),
    ]
