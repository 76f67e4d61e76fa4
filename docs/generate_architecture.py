"""Write docs/architecture.svg and the table of rooms in docs/architecture.md.

Rooms and arrows come from the table of imports in tests/test_imports.py, purposes from the
docstring of each room. `python docs/generate_architecture.py` writes; with `--check` nothing is
written and a difference is an error.
"""

from __future__ import annotations

import ast
import runpy
import sys
import textwrap
from collections.abc import Mapping
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from docs.floor_plan import Plan, floors_of, plan  # noqa: E402 - run as a script

LIBRARY = ROOT / "include" / "tinyops"
PICTURE = ROOT / "docs" / "architecture.svg"
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- rooms: begin, generated -->", "<!-- rooms: end -->"
FIRMWARE = "Firmware in C11: frontend, model runtime, counts, link and board support."
ROOF = "cli"

BOX, GAP, LANE, MARGIN = (178.0, 74.0), (16.0, 46.0), 10.0, 28.0
# Fill and edge by what a room is about; the first that fits.
EDGE = "gateway fleet releases boards local emulation firmware"
COLOURS = {
    "data/": ("#e3effa", "#3b78b5"),
    "conversion/": ("#fdeedc", "#c07a22"),
    "lineage retention": ("#e3effa", "#3b78b5"),
    "training serving": ("#fdeedc", "#c07a22"),
    EDGE: ("#e4f3e4", "#3d8a4a"),
    "sketches monitoring": ("#f3e6f5", "#8a4a9a"),
}
PLAIN = ("#f1f1ee", "#77776f")
LEGEND = (
    ("data and what becomes of it", COLOURS["data/"]),
    ("models", COLOURS["conversion/"]),
    ("boards, releases and the edge", COLOURS[EDGE]),
    ("counts of devices", COLOURS["sketches monitoring"]),
    ("foundations, and what uses everything", PLAIN),
)


def allowed() -> dict[str, set[str]]:
    """The table of imports."""
    table: dict[str, set[str]] = runpy.run_path(str(ROOT / "tests" / "test_imports.py"))["ALLOWED"]
    return table


def purpose(room: str) -> str:
    """First paragraph of a room's docstring, in one line."""
    if room == "firmware":
        return FIRMWARE
    text = ast.get_docstring(
        ast.parse((LIBRARY / room / "__init__.py").read_text(encoding="utf-8"))
    )
    assert text, f"{room} has no docstring"
    return " ".join(text.split("\n\n")[0].split())


def picture(uses: Mapping[str, set[str]], purposes: Mapping[str, str]) -> str:
    """The floors as SVG: a room stands above all that it imports."""
    drawn = plan(uses, BOX, GAP, LANE)
    width = drawn.width + 2 * MARGIN
    top = MARGIN + BOX[1] * 0.6 + GAP[1]
    height = top + len(drawn.floors) * (BOX[1] + GAP[1]) + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" font-family="Helvetica, Arial, sans-serif">',
        "<title>Rooms of the library; a room stands above all that it imports</title>",
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#8a8a84"/></marker></defs>',
        *_roof(width),
        f'<g transform="translate({MARGIN:.0f} {top:.0f})">',
        *(_arrow(line) for line in drawn.lines),
        *(part for room in sorted(uses) for part in _box(room, drawn, purposes[room], uses[room])),
        "</g>",
        *_legend(height),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _roof(width: float) -> list[str]:
    inner, tall = width - 2 * MARGIN, BOX[1] * 0.6
    words = (
        f"{ROOF}, dags/ and plugins/: command line, DAGs and pages. "
        "They may use any room, and no room uses them."
    )
    return [
        f'<rect x="{MARGIN:.0f}" y="{MARGIN:.0f}" width="{inner:.0f}" height="{tall:.0f}" rx="6" '
        f'fill="{PLAIN[0]}" stroke="{PLAIN[1]}"/>',
        f'<text x="{width / 2:.0f}" y="{MARGIN + tall / 2 + 5:.0f}" font-size="15" '
        f'text-anchor="middle" fill="#222">{escape(words)}</text>',
    ]


def _arrow(line: tuple[tuple[float, float], ...]) -> str:
    """Upright where it passes a floor, a curve between floors."""
    (x, y), *rest = line
    path = [f"M{x:.1f} {y:.1f}"]
    for to_x, to_y in rest:
        if abs(to_x - x) < 0.5:
            path.append(f"L{to_x:.1f} {to_y:.1f}")
        else:
            middle = (y + to_y) / 2
            path.append(f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    return (
        f'<path d="{" ".join(path)}" fill="none" stroke="#a6a6a0" stroke-width="1.3" '
        'marker-end="url(#tip)"/>'
    )


def _box(room: str, drawn: Plan, words: str, imports: set[str]) -> list[str]:
    x, y = drawn.boxes[room]
    left, top = x - BOX[0] / 2, y - BOX[1] / 2
    fill, edge = next(
        (
            pair
            for names, pair in COLOURS.items()
            if room.startswith(names) or room in names.split()
        ),
        PLAIN,
    )
    lines = _balanced(words)
    tip = f"{room}: {words} Imports: {', '.join(sorted(imports)) or 'none'}."
    return [
        f"<g><title>{escape(tip)}</title>",
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{BOX[0]:.0f}" height="{BOX[1]:.0f}" rx="6" '
        f'fill="{fill}" stroke="{edge}" stroke-width="1.4"/>',
        f'<text x="{x:.1f}" y="{top + 19:.1f}" font-size="14" font-weight="bold" '
        f'text-anchor="middle" fill="#111">{escape(room)}</text>',
        *(
            f'<text x="{x:.1f}" y="{top + 35 + 13 * n:.1f}" font-size="10.5" '
            f'text-anchor="middle" fill="#444">{escape(line)}</text>'
            for n, line in enumerate(lines)
        ),
        "</g>",
    ]


def _balanced(words: str, most: int = 31) -> list[str]:
    """As few lines of at most `most` characters as possible, about equally long."""
    wrapped = [textwrap.wrap(words, n, break_long_words=False) for n in range(1, most + 1)]
    return next(lines for lines in wrapped if len(lines) == len(wrapped[-1]))


def _legend(height: float) -> list[str]:
    parts, x, y = [], MARGIN, height - MARGIN
    for words, (fill, edge) in LEGEND:
        parts += [
            f'<rect x="{x:.0f}" y="{y - 11:.0f}" width="14" height="14" rx="3" fill="{fill}" '
            f'stroke="{edge}"/>',
            f'<text x="{x + 20:.0f}" y="{y:.0f}" font-size="12" fill="#333">{escape(words)}</text>',
        ]
        x += 44 + 6.4 * len(words)
    return parts


def table(uses: Mapping[str, set[str]], purposes: Mapping[str, str]) -> str:
    """The rooms as a Markdown table, from the highest floor to the ground."""
    level = floors_of(uses)
    rows = [
        f"| `{room}` | {purposes[room]} | {', '.join(sorted(uses[room])) or 'nothing'} |"
        for room in sorted(uses, key=lambda room: (-level[room], room))
    ]
    return "\n".join(["| room | purpose | imports |", "|---|---|---|", *rows])


def page(text: str, uses: Mapping[str, set[str]], purposes: Mapping[str, str]) -> str:
    """The page with its table of rooms written anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table(uses, purposes)}\n\n{END}{after}"


def main() -> int:
    """Write or check; 1 when something is stale."""
    uses = allowed()
    purposes = {room: purpose(room) for room in uses}
    made = {
        PICTURE: picture(uses, purposes),
        PAGE: page(PAGE.read_text(encoding="utf-8"), uses, purposes),
    }
    stale = [
        path
        for path, text in made.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is stale: run make docs")
        return int(bool(stale))
    for path in stale:
        path.write_text(made[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
