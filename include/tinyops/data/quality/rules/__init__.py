"""The gate's expectations, written down as rules. Each file has those of one question."""

from tinyops.data.quality.rules.rule import Own, Rule

__all__ = ["Own", "Rule"]
