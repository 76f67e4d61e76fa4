"""Whether a recording is in the form of the project: sensor, unit, rate, label, time."""

from __future__ import annotations

from datetime import UTC, datetime

from tinyops.data.quality.rules.kinds import between, empty, one_of, there
from tinyops.data.quality.rules.rule import Rule
from tinyops.projects import Project

OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
CLOCK_SKEW_DAYS = 10 / 1440


def form(project: Project) -> list[Rule]:
    """Rules about what project.yaml states."""
    signal, limits = project.signal, project.gate.limits
    fits = f"within {limits.rate:.3g} of the project's {signal.rate_hz:g} Hz"
    if limits.rate >= 0.001:
        fits = f"within {limits.rate * 100:g} % of the project's {signal.rate_hz:g} Hz"
    return [
        one_of(
            "sensor",
            "sensor",
            [project.sensor],
            f"the project's sensor, {project.sensor}",
            "send it to the project it belongs to",
        ),
        one_of(
            "channels",
            "channels",
            [",".join(signal.channels)],
            f"the project's channels in order, {','.join(signal.channels)}",
            "name and order channels as project.yaml does",
        ),
        one_of(
            "unit",
            "unit",
            [signal.unit],
            f"the project's unit, {signal.unit}",
            "convert the signal",
        ),
        between(
            "rate",
            "rate_hz",
            fits,
            "resample, or record at the project's rate",
            min_value=signal.rate_hz * (1 - limits.rate),
            max_value=signal.rate_hz * (1 + limits.rate),
        ),
        there("rate_stated", "rate_hz", "a rate", "state the rate"),
        between(
            "rate_by_clock",
            "clock_rate",
            f"1 within {limits.clock * 100:g} %: as many samples as the time stamps have room for",
            "state the rate at which it was recorded; a shorter file was cut short",
            min_value=1 - limits.clock,
            max_value=1 + limits.clock,
        ),
        empty(
            "rate_by_lines",
            "rate_by_lines",
            "shaft and mains lines where the stated rate puts them",
            "find out at which rate this class was recorded, and resample it",
        ),
        between(
            "jitter",
            "jitter",
            f"at most {limits.jitter:g} of the interval between samples",
            "record by a steady clock, or resample by the time stamps",
            max_value=limits.jitter,
        ),
        there("label", "label", "a label", "label it, then send it"),
        one_of(
            "known_label",
            "label",
            project.labels,
            f"a class of the project: {', '.join(project.labels)}",
            "correct the label or add the class to project.yaml",
        ),
        there(
            "split_group",
            "group",
            f"a group to split by, {project.split.group_by}",
            "record the condition that split.group_by names",
        ),
        between(
            "recorded_at",
            "age_days",
            "recorded after 1 January 2000, not in the future",
            "set the clock of the recorder (UTC)",
            min_value=-CLOCK_SKEW_DAYS,
            max_value=(datetime.now(UTC) - OLDEST).days,
        ),
    ]
