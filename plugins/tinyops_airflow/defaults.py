"""Default arguments of every task: what is worth another try, how often, and for how long."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from tinyops.errors import TinyOpsError
from tinyops.store import StoreUnavailable

START = pendulum.datetime(2026, 1, 1, tz="UTC")
"""Fixed: a moving start date would move the schedule at every parse."""

# The first rule that matches wins. StoreUnavailable is a TinyOpsError and comes first; pyserial's
# SerialException is an OSError and needs no import here. What no rule names (a lost worker, a
# crashed subprocess) is retried like any other failure.
RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(StoreUnavailable, RetryAction.RETRY, reason="S3 does not answer now"),
        RetryRule(TinyOpsError, RetryAction.FAIL, reason="another try would give the same answer"),
        RetryRule(OSError, RetryAction.RETRY, reason="file, network or serial port"),
        RetryRule(
            [TypeError, AttributeError, NameError, ImportError],
            RetryAction.FAIL,
            reason="a mistake in the code",
        ),
    ]
)

DEFAULT_ARGS: dict[str, Any] = {
    "owner": "tinyops",
    "retries": 4,
    "retry_delay": timedelta(seconds=5),
    # Waits of 5 to 10, 15 to 30, 45 to 90 and 135 to 270 s (Airflow spreads them): an S3 server
    # that restarts is back within the second.
    "retry_exponential_backoff": 3.0,
    "max_retry_delay": timedelta(minutes=5),
    "retry_policy": RETRY_POLICY,
    "execution_timeout": timedelta(minutes=10),
}


def default_args(owner: str) -> dict[str, Any]:
    """DEFAULT_ARGS with the project's owner."""
    return {**DEFAULT_ARGS, "owner": owner}
