"""The expectations that every project's recordings must meet, built from project.yaml.

Written against Great Expectations 1.24. Importing it costs 5 s: only inside functions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from tinyops.data.comparison.compare import COMPARED
from tinyops.data.comparison.seen import shown_before
from tinyops.data.index import IndexRow
from tinyops.data.own_columns import ExpectationsError
from tinyops.data.rule import Own, Rule
from tinyops.data.signal_checks.levels import unit_groups, unit_levels
from tinyops.data.summary import COLUMNS
from tinyops.data.validation import import_gx
from tinyops.projects import Project

# Names become parts of file names and of Parquet partitions elsewhere.
NAME = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$"
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
CLOCK_SKEW_DAYS = 10 / 1440

# Great Expectations' word for each of ours; its Data Docs and JSON carry it.
GX_SEVERITY = {"refuse": "critical", "quarantine": "warning", "warn": "info"}


def expectations(
    project: Project, known: Sequence[IndexRow] = (), own: Own | None = None
) -> list[Any]:
    """All expectations on the gate's table. `meta` has name, severity, why, and a fix for a row
    that fails.

    Parameters
    ----------
    known
        The index of the version before; without one nothing is compared with it.
    own
        The project's own columns and rules.

    Raises
    ------
    ExpectationsError
        One of the project's rules has settings that its class does not take.
    """
    rules = [
        *_identity(own),
        *_format(project),
        *_signal(project),
        *_against_the_batch(project),
        *_against_the_dataset(project, known),
    ]
    made = [_made(rule, project.gate.severity_of(rule.name)) for rule in rules]
    return [*made, *(_own(own) if own else ())]


def _own(own: Own) -> Iterator[Any]:
    for rule in own.rules:
        try:
            yield _made(rule, rule.severity)
        except (TypeError, ValueError) as error:  # pydantic's is a ValueError
            said = "; ".join(str(error).splitlines()[:3])
            raise ExpectationsError(
                f"{own.columns.path}: {rule.name}: {said}", "correct its settings"
            ) from None


def _made(rule: Rule, severity: str) -> Any:
    meta = {"name": rule.name, "severity": severity, "why": rule.why, "fix": rule.fix}
    return rule.kind(notes=rule.why, severity=GX_SEVERITY[severity], meta=meta, **rule.settings)


def _gxe() -> Any:
    import_gx()
    import great_expectations.expectations

    return great_expectations.expectations


def _empty(name: str, column: str, why: str, fix: str) -> Rule:
    return Rule(name, f"null: {why}", fix, _gxe().ExpectColumnValuesToBeNull, {"column": column})


def _there(name: str, column: str, why: str, fix: str) -> Rule:
    return Rule(name, why, fix, _gxe().ExpectColumnValuesToNotBeNull, {"column": column})


def _between(name: str, column: str, why: str, fix: str, **limits: Any) -> Rule:
    kind = _gxe().ExpectColumnValuesToBeBetween
    return Rule(name, why, fix, kind, {"column": column} | limits)


def _one_of(name: str, column: str, values: Iterable[str], why: str, fix: str) -> Rule:
    kind = _gxe().ExpectColumnValuesToBeInSet
    return Rule(name, why, fix, kind, {"column": column, "value_set": list(values)})


def _identity(own: Own | None) -> list[Rule]:
    gxe = _gxe()

    def plain(name: str, column: str, why: str) -> Rule:
        kind = gxe.ExpectColumnValuesToMatchRegex
        return Rule(name, why, "rename it", kind, {"column": column, "regex": NAME})

    columns = [*COLUMNS, *(own.columns.names if own else ()), *COMPARED]
    return [
        Rule(
            "table",
            "every property of a recording",
            "report a bug",
            gxe.ExpectTableColumnsToMatchOrderedList,
            {"column_list": columns},
        ),
        Rule(
            "not_empty",
            "at least one recording",
            "send at least one",
            gxe.ExpectTableRowCountToBeBetween,
            {"min_value": 1},
        ),
        _empty("recording", "problem", "the row is a recording", "correct the row"),
        _there("id", "recording_id", "an id", "name it"),
        Rule(
            "unique_id",
            "an id of its own",
            "rename one",
            gxe.ExpectColumnValuesToBeUnique,
            {"column": "recording_id"},
        ),
        plain("plain_id", "recording_id", "letters, digits and ._:-"),
        plain("plain_machine", "machine_id", "a plain name"),
        plain("plain_device", "device_id", "a plain name"),
        _empty(
            "personal",
            "personal",
            "nothing about a person",
            "leave it out, or declare it in project.yaml: privacy.personal_fields: {name: purpose}",
        ),
        _empty(
            "duplicate", "duplicate_of", "no capture twice", "leave it out: it would count twice"
        ),
        _empty(
            "near_duplicate",
            "near_duplicate_of",
            "no capture shifted, rescaled or encoded anew",
            "leave it out: it would count twice",
        ),
    ]


def _format(project: Project) -> list[Rule]:
    signal, limits = project.signal, project.gate.limits
    fits = f"within {limits.rate:.3g} of the project's {signal.rate_hz:g} Hz"
    if limits.rate >= 0.001:
        fits = f"within {limits.rate * 100:g} % of the project's {signal.rate_hz:g} Hz"
    return [
        _one_of(
            "sensor",
            "sensor",
            [project.sensor],
            f"the project's sensor, {project.sensor}",
            "send it to the project it belongs to",
        ),
        _one_of(
            "channels",
            "channels",
            [",".join(signal.channels)],
            f"the project's channels in order, {','.join(signal.channels)}",
            "name and order channels as project.yaml does",
        ),
        _one_of(
            "unit",
            "unit",
            [signal.unit],
            f"the project's unit, {signal.unit}",
            "convert the signal",
        ),
        _between(
            "rate",
            "rate_hz",
            fits,
            "resample, or record at the project's rate",
            min_value=signal.rate_hz * (1 - limits.rate),
            max_value=signal.rate_hz * (1 + limits.rate),
        ),
        _there("rate_stated", "rate_hz", "a rate", "state the rate"),
        _between(
            "rate_by_clock",
            "clock_rate",
            f"1 within {limits.clock * 100:g} %: as many samples as the time stamps have room for",
            "state the rate at which it was recorded; a shorter file was cut short",
            min_value=1 - limits.clock,
            max_value=1 + limits.clock,
        ),
        _empty(
            "rate_by_lines",
            "rate_by_lines",
            "shaft and mains lines where the stated rate puts them",
            "find out at which rate this class was recorded, and resample it",
        ),
        _between(
            "jitter",
            "jitter",
            f"at most {limits.jitter:g} of the interval between samples",
            "record by a steady clock, or resample by the time stamps",
            max_value=limits.jitter,
        ),
        _there("label", "label", "a label", "label it, then send it"),
        _one_of(
            "known_label",
            "label",
            project.labels,
            f"a class of the project: {', '.join(project.labels)}",
            "correct the label or add the class to project.yaml",
        ),
        _there(
            "split_group",
            "group",
            f"a group to split by, {project.split.group_by}",
            "record the condition that split.group_by names",
        ),
        _between(
            "recorded_at",
            "age_days",
            "recorded after 1 January 2000, not in the future",
            "set the clock of the recorder (UTC)",
            min_value=-CLOCK_SKEW_DAYS,
            max_value=(datetime.now(UTC) - OLDEST).days,
        ),
    ]


def _signal(project: Project) -> list[Rule]:
    limits = project.gate.limits
    return [
        _between("window", "windows", "at least one window", "record longer", min_value=1),
        _between(
            "finite",
            "finite_share",
            "1: every sample a number",
            "find where NaN or infinity comes from",
            min_value=1,
        ),
        _between(
            "flat_line",
            "flat_windows",
            "below 1: no whole window of one constant value",
            "check the sensor and its cable",
            max_value=1,
            strict_max=True,
        ),
        _between(
            "gap",
            "gap_windows",
            f"at most {limits.gap_windows:g}: no stretch that is held, zero or interpolated",
            "cut it there into two recordings; if its end is missing, send it again",
            max_value=limits.gap_windows,
        ),
        _between(
            "clipping",
            "clipped_share",
            f"less than {limits.clipped * 100:g} % of samples at full scale",
            "lower the gain or choose a wider full scale",
            max_value=limits.clipped,
            strict_max=True,
        ),
        _between(
            "plateau",
            "plateau_share",
            f"less than {limits.plateau * 100:g} % of samples piled up at the largest value",
            "look for what saturates before the converter",
            max_value=limits.plateau,
            strict_max=True,
        ),
        _between(
            "dc_offset",
            "dc_share",
            f"a mean within {limits.dc:g} of full scale",
            "check the sensor's offset and the unit",
            max_value=limits.dc,
        ),
        _between(
            "level",
            "rms_share",
            "a level above 0 and within full scale",
            "check the unit and the sensor",
            min_value=0,
            strict_min=True,
            max_value=1,
        ),
    ]


def _against_the_batch(project: Project) -> list[Rule]:
    limits = project.gate.limits
    return [
        _empty(
            "dead_channel",
            "dead_channel",
            "every channel moves as it does elsewhere",
            "check that channel's sensor and cable",
        ),
        _empty(
            "swapped_channels",
            "swapped",
            "channels in the order of the device's other recordings",
            "put the channels into that order, or turn the sensor back",
        ),
        _empty(
            "unit_slip",
            "unit_slip",
            "a level in the unit of comparable recordings",
            "convert the file to the project's unit",
        ),
        _between(
            "overlap",
            "overlap_s",
            "at most 0: ended before the device's next recording began, not overlapping in time",
            "correct recorded_at",
            max_value=0.001,
        ),
        _between(
            "energy",
            "energy",
            f"at most {limits.energy:g} times beyond what its class has ever shown",
            "look at it: a new state of the machine, or a changed gain",
            max_value=limits.energy,
        ),
    ]


def _against_the_dataset(project: Project, known: Sequence[IndexRow]) -> list[Rule]:
    from tinyops.data.expectations import (
        ExpectClassesToBeBalanced,
        ExpectClassSharesAsBefore,
        ExpectGroupsAsBefore,
    )

    limits, look = project.gate.limits, "look at it: a new state of the machine, or other labels"
    rules = [
        Rule(
            "class_balance",
            f"at most {limits.imbalance:g} times as many of the largest class as of the smallest",
            "record the rare class, or fewer of the frequent one",
            ExpectClassesToBeBalanced,
            {
                "column": "label",
                "classes": project.labels,
                "known": dict(Counter(row.label for row in known)),
                "most": limits.imbalance,
            },
        )
    ]
    if not known:
        return rules
    groups = unit_groups(project.signal)
    with np.errstate(divide="ignore"):
        levels = np.array(
            [np.log10(unit_levels(row.means, row.deviations, groups)).mean() for row in known]
        )
    before = shown_before(known, levels)
    return [
        *rules,
        _empty(
            "known_machine",
            "new_machine",
            "a machine that the dataset knows",
            "nothing, if it is new; else correct machine_id",
        ),
        Rule(
            "level_as_before",
            f"levels within {limits.level_change:g} times the version before",
            look,
            ExpectGroupsAsBefore,
            {
                "column": "level",
                "before": before.level,
                "most": limits.level_change,
                "decades": True,
            },
        ),
        Rule(
            "spectrum_as_before",
            f"centroids within {limits.spectrum_change:g} times the version before",
            look,
            ExpectGroupsAsBefore,
            {"column": "centroid_hz", "before": before.centroid, "most": limits.spectrum_change},
        ),
        Rule(
            "classes_as_before",
            f"shares of classes within {limits.share_change:g} of the version before",
            "record what is missing, if it is",
            ExpectClassSharesAsBefore,
            {"column": "label", "before": before.classes, "most": limits.share_change},
        ),
    ]
