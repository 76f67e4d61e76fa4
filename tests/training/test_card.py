"""Names in a model card are text."""

from __future__ import annotations

import pytest

from tinyops.training.card import table


@pytest.mark.parametrize(
    "name", ["</script><script>alert(1)</script>", "a|b", "[x](javascript:y)", "x\n# y", "`z"]
)
def test_a_cell_holds_one_name(name: str) -> None:
    head, _, row = table(["group", "score"], [[name, "0.5"]]).split("\n")
    assert row.count("|") == head.count("|") == 3
    assert not set("<>[]`") & set(row)
