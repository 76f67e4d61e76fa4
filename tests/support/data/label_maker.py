"""Label sets for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.data.recording_maker import PROJECT
from tinyops.data.labels.label_set import LabelRow, LabelSet

NOW = datetime.now(UTC)


def labels(said: dict[str, str] | list[tuple[str, str]], **changes: Any) -> LabelSet:
    """A set of an operator, given a day ago; `minutes` later or earlier than that."""
    pairs = list(said.items()) if isinstance(said, dict) else said
    fields: dict[str, Any] = {
        "project": PROJECT.name,
        "source": "operator",
        "author": "ada",
        "at": NOW - timedelta(days=1) + timedelta(minutes=changes.pop("minutes", 0)),
        "labels": tuple(LabelRow(recording_id=name, label=label) for name, label in pairs),
    }
    return LabelSet(**fields | changes)
