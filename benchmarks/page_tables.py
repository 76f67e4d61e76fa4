"""Tables of the pages in docs/, and the places that they go to.

A block begins with `<!-- table: NAME -->` and ends with `<!-- end -->`; the text around it is
written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

_BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.S)


def fill(page: Path, blocks: Mapping[str, Sequence[str]]) -> None:
    """Put lines between the marks of these names; other blocks stay as they are.

    Raises
    ------
    KeyError
        The page has no block of that name.
    """
    left = set(blocks)

    def filled(block: re.Match[str]) -> str:
        if block[2] not in blocks:
            return block[0]
        left.discard(block[2])
        return block[1] + "\n".join(blocks[block[2]]) + "\n" + block[3]

    text = _BLOCK.sub(filled, page.read_text(encoding="utf-8"))
    if left:
        raise KeyError(f"{page.name} has no block {', '.join(sorted(left))}")
    page.write_text(text, encoding="utf-8")
    print(f"wrote docs/{page.name}")


def table(*columns: str, text: int = 1) -> list[str]:
    """Head of a table whose first `text` columns are text."""
    aligned = ["---"] * text + ["---:"] * (len(columns) - text)
    return [row(*columns), row(*aligned)]


def row(*cells: str) -> str:
    """One line."""
    return f"| {' | '.join(cells)} |"
