"""Rules of the most common kinds. Importing Great Expectations costs 5 s: at the first call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tinyops.data.quality.rules.rule import Rule
from tinyops.data.quality.validation import import_gx


def gxe() -> Any:
    """Great Expectations' classes."""
    import_gx()
    import great_expectations.expectations

    return great_expectations.expectations


def empty(name: str, column: str, why: str, fix: str) -> Rule:
    """The column holds a finding; there must be none."""
    return Rule(name, why, fix, gxe().ExpectColumnValuesToBeNull, {"column": column})


def there(name: str, column: str, why: str, fix: str) -> Rule:
    """The column must hold something."""
    return Rule(name, why, fix, gxe().ExpectColumnValuesToNotBeNull, {"column": column})


def between(name: str, column: str, why: str, fix: str, **limits: Any) -> Rule:
    """The column's number is within limits: `min_value`, `max_value`, `strict_max` …"""
    kind = gxe().ExpectColumnValuesToBeBetween
    return Rule(name, why, fix, kind, {"column": column} | limits)


def one_of(name: str, column: str, values: Iterable[str], why: str, fix: str) -> Rule:
    """The column holds one of these texts."""
    kind = gxe().ExpectColumnValuesToBeInSet
    return Rule(name, why, fix, kind, {"column": column, "value_set": list(values)})


def named_kind(name: str) -> Any:
    """The expectation class of this name, of Great Expectations or of ours; None without one."""
    from tinyops.data.quality import expectations

    theirs = gxe()
    base = theirs.Expectation
    for module in (expectations, theirs):
        found = getattr(module, name, None)
        if isinstance(found, type) and issubclass(found, base) and found is not base:
            return found
    return None
