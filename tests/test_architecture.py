"""docs/architecture.md and its picture match the table of imports; pages name files that exist."""

from __future__ import annotations

import re
import runpy

from docs.floor_plan import floors_of, plan, reduction

from tests.support.checkout import ROOT
from tests.test_imports import ALLOWED

PAGE = ROOT / "docs" / "architecture.md"
GENERATOR = runpy.run_path(str(ROOT / "docs" / "generate_architecture.py"))
PURPOSES = {room: GENERATOR["purpose"](room) for room in ALLOWED}
# A path in the page starts at the checkout or at the library.
ROOTS = (ROOT, ROOT / "include" / "tinyops")
PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:py|c|md|yaml))`")
# A path in any page that begins with a folder of the library.
ROOM_PATH = re.compile(r"`((?:[\w-]+/)+[\w-]+(?:/|\.py|\.c)?)`")


def test_the_picture_is_what_the_table_of_imports_gives() -> None:
    picture = GENERATOR["picture"](ALLOWED, PURPOSES)
    assert (ROOT / "docs" / "architecture.svg").read_text() == picture, "run make docs"


def test_the_table_of_rooms_is_too() -> None:
    text = PAGE.read_text()
    assert GENERATOR["page"](text, ALLOWED, PURPOSES) == text, "run make docs"


def test_another_import_makes_both_stale() -> None:
    more = ALLOWED | {"serving": ALLOWED["serving"] | {"monitoring"}}
    text = PAGE.read_text()
    assert GENERATOR["page"](text, more, PURPOSES) != text
    picture = (ROOT / "docs" / "architecture.svg").read_text()
    assert GENERATOR["picture"](more, PURPOSES) != picture


def test_what_the_page_names_exists() -> None:
    named = set(PATH.findall(PAGE.read_text()))
    assert len(named) > 80, "the pattern finds them"
    assert {path for path in named if not any((root / path).exists() for root in ROOTS)} == set()


def test_rooms_that_other_pages_name_exist() -> None:
    """Paths that begin with a room, in README.md, CONTRIBUTING.md and docs/."""
    library = ROOT / "include" / "tinyops"
    rooms = {room.partition("/")[0] for room in ALLOWED} | {"cli"}
    missing = {
        f"{page.name}: {path}"
        for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md"))
        for path in ROOM_PATH.findall(page.read_text(encoding="utf-8"))
        if path.partition("/")[0] in rooms and not (library / path).exists()
    }
    assert missing == set()


def test_no_box_lies_on_another_and_no_line_passes_through_one() -> None:
    width, height = GENERATOR["BOX"]
    drawn = plan(ALLOWED, (width, height), GENERATOR["GAP"], GENERATOR["LANE"])
    boxes = list(drawn.boxes.values())
    for n, (x, y) in enumerate(boxes):
        assert x - width / 2 >= 0
        assert x + width / 2 <= drawn.width
        for other_x, other_y in boxes[:n]:
            assert abs(x - other_x) >= width or abs(y - other_y) >= height
    for line in drawn.lines:
        for (x, y), (_, end) in zip(line[1::2], line[2::2], strict=False):
            # An upright piece: a line that passes a floor.
            inside = [at for at in boxes if abs(at[0] - x) < width / 2 and y < at[1] < end]
            assert inside == []


def test_floors_and_reduction() -> None:
    uses = {"a": {"b", "c"}, "b": {"c"}, "c": set(), "d": {"c"}}
    assert floors_of(uses) == {"a": 2, "b": 1, "c": 0, "d": 1}
    assert reduction(uses) == {"a": {"b"}, "b": {"c"}, "c": set(), "d": {"c"}}


def test_every_room_says_what_it_is_for_in_a_line() -> None:
    for room, purpose in PURPOSES.items():
        assert len(purpose) <= 90, room
        assert purpose.endswith("."), room
