"""The picture of a lineage draws names as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinyops.lineage.picture import draw_lineage
from tinyops.lineage.trace import USED
from tinyops.lineage.tree import Node


@pytest.mark.parametrize(
    "name", [r"$\frac{1}{$", "$x$", "</script>", "\x1b[31mx\n", "\ud800", "[red]"]
)
def test_a_name_is_text(tmp_path: Path, name: str) -> None:
    root = Node("machine", name, children=(Node("recording", name, USED),))
    picture = draw_lineage(root, tmp_path / "lineage.png")
    assert picture.read_bytes().startswith(b"\x89PNG")
