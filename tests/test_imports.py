"""Which room of the library may import which, and what must never be imported where."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "include" / "tinyops"

# Room -> rooms it may import. `tinyops.errors` and the package itself are open to all.
ALLOWED: dict[str, set[str]] = {
    "confinement": set(),
    "emulation": set(),
    "firmware": set(),
    "frontend": set(),
    "projects": set(),
    "store": set(),
    "data": {"confinement", "projects", "store"},
    "boards": {"emulation"},
    "local": {"boards", "projects", "store"},
    "releases": {"boards", "projects", "store"},
    "monitoring": {"data", "projects", "store"},
    "conversion": {
        "confinement",
        "projects",
        "store",
        "frontend",
        "boards",
        "emulation",
        "monitoring",
    },
    "training": {"data", "frontend", "conversion", "projects", "store"},
    "lineage": {"data", "frontend", "monitoring", "projects", "store", "training"},
    "serving": {"data", "frontend", "conversion", "boards", "emulation", "projects", "store"},
    "gateway": {"boards", "releases", "monitoring", "store"},
}
ANY_ROOM = {"cli"}
HEAVY = {"tensorflow", "keras", "airflow", "mlflow", "pandas", "pyarrow"}


def rooms() -> list[str]:
    return sorted(path.name for path in LIBRARY.iterdir() if list(path.glob("**/*.py")))


def imported(path: Path) -> Iterator[str]:
    """Dotted names that a file imports, wherever in the file the import stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            if node.module == "tinyops":
                yield from (f"tinyops.{alias.name}" for alias in node.names)
            else:
                yield node.module


def imported_rooms(path: Path) -> set[str]:
    parts = [name.split(".") for name in imported(path)]
    found = {part[1] for part in parts if part[0] == "tinyops" and len(part) > 1}
    return found & set(rooms())


def test_every_room_has_a_line_in_the_table() -> None:
    assert set(rooms()) - {"__pycache__"} <= set(ALLOWED) | ANY_ROOM


def test_the_table_has_no_circle() -> None:
    def below(room: str, seen: tuple[str, ...]) -> None:
        assert room not in seen, f"{' -> '.join(seen)} -> {room}"
        for other in ALLOWED[room]:
            below(other, (*seen, room))

    for room in ALLOWED:
        below(room, ())


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_a_room_imports_only_what_the_table_allows(room: str) -> None:
    stray = {
        f"{path.relative_to(ROOT)} -> {other}"
        for path in (LIBRARY / room).rglob("*.py")
        for other in imported_rooms(path) - ALLOWED[room] - {room}
    }
    assert stray == set()


def test_the_library_never_imports_airflow_or_the_plugins() -> None:
    stray = {
        f"{path.relative_to(ROOT)} -> {name}"
        for path in LIBRARY.rglob("*.py")
        for name in imported(path)
        if name.split(".")[0] in ("airflow", "tinyops_airflow", "tinyops_pages")
    }
    assert stray == set()


def test_dags_and_plugins_never_import_the_stack_or_the_command_line() -> None:
    stray = {
        f"{path.relative_to(ROOT)} -> {room}"
        for folder in ("dags", "plugins")
        for path in (ROOT / folder).rglob("*.py")
        for room in imported_rooms(path) & {"local", "cli"}
    }
    assert stray == set()


def test_the_test_itself_sees_imports_inside_functions(tmp_path: Path) -> None:
    file = tmp_path / "example.py"
    file.write_text(
        "import tinyops.store.bucket\nfrom tinyops import projects\n"
        "def f():\n    from tinyops.data.quality.gate import check\n"
    )
    assert imported_rooms(file) == {"store", "projects", "data"}


@pytest.mark.parametrize(
    "code",
    [
        "from tinyops.cli.main import build_app; build_app()",
        "import tinyops.gateway.service, tinyops.gateway.config, tinyops.gateway.watch",
        "import tinyops.local.stack",
        "import tinyops.projects, tinyops.store",
    ],
    ids=["command line", "gateway", "stack", "foundations"],
)
def test_light_parts_stay_light(code: str) -> None:
    listing = "import sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; {listing}"], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "tinyops" in loaded
    assert loaded & HEAVY == set()


def test_the_command_line_starts_without_s3_or_swift() -> None:
    code = (
        "import sys; from tinyops.cli.main import main; main(['--help']); "
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "typer" in loaded
    assert loaded & (HEAVY | {"boto3", "botocore", "swift", "eventlet", "numpy", "tuf"}) == set()
