"""Cron expressions, judged by the library that Airflow schedules with."""

from __future__ import annotations

import re
from datetime import UTC, datetime

PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
}
"""As in Airflow 3.3 (airflow.utils.dates)."""

_EXPECTED = f"expected five fields (minute hour day month weekday) or one of {', '.join(PRESETS)}"
# Croniter draws R anew at every look and wants a name for H: neither comes at a time of its own.
_DRAWN = re.compile(r"(?:^|[\s,])[hr](?:[\s,(/]|$)", re.IGNORECASE)
_FIELDS = 5
_START = datetime(2026, 1, 1, tzinfo=UTC)


def require_cron(expression: str) -> None:
    """ValueError unless Airflow's CronTriggerTimetable takes the expression and its time comes."""
    from croniter import CroniterBadDateError, croniter

    fields = PRESETS.get(expression, expression)
    try:
        if _DRAWN.search(fields) or len(croniter(fields).expanded) != _FIELDS:
            raise ValueError
        croniter(fields, _START).get_next(datetime)
    except CroniterBadDateError:
        raise ValueError(f"{expression!r} never comes, expected a day that exists") from None
    except (ValueError, KeyError, TypeError, IndexError, OverflowError):
        # Croniter's own errors are ValueErrors; the others are of expressions it does not foresee.
        raise ValueError(f"{expression!r} is no cron expression, {_EXPECTED}") from None
