"""A lineage as a picture: what a thing is made from on its left, what was made from it right."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tinyops.lineage.trace import USED
from tinyops.lineage.tree import Node
from tinyops.printable import printable

_COLOURS = {
    "release": "C3",
    "candidate": "C1",
    "dataset": "C0",
    "batch": "C4",
    "recording": "C2",
    "machine": "C5",
    "device": "C6",
    "label": "C7",
}
_MOST = 6


@dataclass
class _Drawing:
    """Boxes (column, row, node) and lines between them, laid out leaf by leaf."""

    boxes: list[tuple[int, float, Node]] = field(default_factory=list)
    lines: list[tuple[int, float, int, float]] = field(default_factory=list)
    rows: Counter[int] = field(default_factory=Counter)

    def place(self, node: Node, column: int) -> float:
        """Put a node and all below it on the side of its column; its row."""
        step = 1 if column > 0 else -1
        below = [self.place(child, column + step) for child in _shown(node.children)]
        if not below:
            self.rows[step] += 1
        row = sum(below) / len(below) if below else float(self.rows[step])
        self.lines += [(column, row, column + step, other) for other in below]
        self.boxes.append((column, row, node))
        return row


def draw_lineage(root: Node, path: Path) -> Path:
    """Write a PNG; of more than six children of one kind the rest is a count. Returns `path`."""
    from matplotlib.figure import Figure

    drawing = _Drawing()
    ends = []
    for step in (-1, 1):
        side = [child for child in root.children if (child.role == USED) == (step > 0)]
        ends += [(step, drawing.place(child, step)) for child in _shown(side)]
    height = max([*drawing.rows.values(), 1])
    middle = (height + 1) / 2
    drawing.lines += [(0, middle, step, row) for step, row in ends]
    drawing.boxes.append((0, middle, root))
    columns = [column for column, _, _ in drawing.boxes]
    left, right = min(columns), max(columns)
    figure = Figure(figsize=(2.6 * (right - left + 1), max(2.0, 0.45 * (height + 1))))
    axis = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    for column, row, other, other_row in drawing.lines:
        axis.plot([column, other], [-row, -other_row], color="0.75", linewidth=0.8, zorder=1)
    for column, row, node in drawing.boxes:
        name = node.name if len(node.name) < 25 else f"{node.name[:22]}…"
        colour = _COLOURS.get(node.kind, "0")
        box = {"boxstyle": "round", "facecolor": "white", "edgecolor": colour}
        text = axis.text(column, -row, printable(f"{node.kind} {name}"), fontsize=7, bbox=box)
        text.set(ha="center", va="center", parse_math=False)
    axis.set_xlim(left - 0.6, right + 0.6)
    axis.set_ylim(-height - 1, 0)
    axis.axis("off")
    figure.savefig(path, format="png", dpi=120)
    return path


def _shown(nodes: list[Node] | tuple[Node, ...]) -> list[Node]:
    counts: Counter[str] = Counter()
    kept = []
    for node in nodes:
        counts[node.kind] += 1
        if counts[node.kind] <= _MOST:
            kept.append(node)
    more = {kind: count - _MOST for kind, count in counts.items() if count > _MOST}
    return [*kept, *(Node(kind, f"and {count} more") for kind, count in more.items())]
