"""The closed set of DAG tags: a test fails any DAG that uses another one."""

from __future__ import annotations

from enum import StrEnum


class Tag(StrEnum):
    """One stage and one impact for every DAG."""

    INGEST = "stage:ingest"
    TRAIN = "stage:train"
    RELEASE = "stage:release"
    MONITOR = "stage:monitor"
    PREDICT = "stage:predict"
    MAINTAIN = "stage:maintain"

    DATA = "impact:data"
    """A failure delays new data; models and boards go on as they are."""
    FLEET = "impact:fleet"
    """What this DAG publishes reaches boards."""
    DRIFT = "impact:drift"
    """A failure delays verdicts on drift and requests for labels; boards go on as they are."""
    FIGURES = "impact:figures"
    """A failure delays figures that people read; data, models and boards go on as they are."""
    UPKEEP = "impact:upkeep"
    """Left failing for a day, signatures expire and boards stop updating."""


def project_tag(project: str) -> str:
    """The tag that gathers the DAGs of one project."""
    return f"project:{project}"
