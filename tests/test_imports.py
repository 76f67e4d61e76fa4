"""Rooms of the library, the imports between them, and what must never be imported where.

`ALLOWED` is the law; `make docs` draws docs/architecture.svg from it.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "include" / "tinyops"

# Room -> rooms it may import. Files beside errors.py are open to all. The folders in PARTED hold
# rooms of their own and nothing else.
PARTED = ("conversion", "data")
ALLOWED: dict[str, set[str]] = {
    "confinement": set(),
    "emulation": set(),
    "firmware": set(),
    "frontend": set(),
    "projects": set(),
    "store": set(),
    "boards": {"emulation"},
    "fleet": {"store"},
    "sketches": {"projects", "store"},
    "releases": {"boards", "fleet", "projects", "store"},
    "local": {"boards", "projects", "store"},
    "data/recordings": {"confinement", "projects"},
    "data/datasets": {"data/recordings", "projects", "store"},
    "data/labels": {"data/datasets", "projects", "store"},
    "data/quality": {"confinement", "data/datasets", "data/recordings", "projects", "store"},
    "data/ingest": {
        *("data/recordings", "data/datasets", "data/labels", "data/quality"),
        *("confinement", "projects", "store"),
    },
    "conversion/tflite": {"confinement"},
    "conversion/images": {
        *("conversion/tflite", "boards", "emulation", "frontend", "projects", "sketches"),
    },
    "conversion/arduino": {"conversion/images", "conversion/tflite", "boards", "projects"},
    "conversion/candidates": {
        *("conversion/arduino", "conversion/images", "conversion/tflite", "boards", "emulation"),
        *("frontend", "projects", "releases", "sketches", "store"),
    },
    "training": {
        *("conversion/candidates", "conversion/images", "conversion/tflite"),
        *("data/datasets", "data/labels", "data/recordings", "fleet", "frontend", "projects"),
        *("releases", "store"),
    },
    "serving": {
        *("conversion/images", "conversion/tflite", "data/datasets", "data/recordings"),
        *("boards", "frontend", "projects", "releases", "store"),
    },
    "gateway": {"boards", "fleet", "releases", "sketches", "store"},
    "monitoring": {
        *("data/datasets", "data/labels", "data/quality", "fleet", "projects", "sketches", "store"),
    },
    "lineage": {"data/datasets", "data/labels", "fleet", "store"},
    "retention": {
        *("data/datasets", "data/ingest", "data/labels", "data/quality", "data/recordings"),
        *("fleet", "lineage", "monitoring", "projects", "releases", "sketches", "store"),
        *("training",),
    },
    "demo": {
        *("data/datasets", "data/ingest", "data/labels", "data/recordings"),
        *("fleet", "local", "monitoring", "projects", "store"),
    },
}
ANY_ROOM = {"cli"}
HEAVY = {"tensorflow", "keras", "airflow", "mlflow", "pandas", "pyarrow"}
# Folders of tests that are about no room: whole stories, and what is outside the library.
TESTS_OF_NO_ROOM = {"dags", "deployment", "integration", "plugins", "support"}


def room_of(module: str) -> str:
    """Room of a dotted name below `tinyops`, "" for a file that is open to all."""
    names = module.split(".")[1:]
    if not names or not (LIBRARY / names[0]).is_dir():
        return ""
    return "/".join(names[: 2 if names[0] in PARTED else 1])


@cache
def modules() -> Mapping[str, Path]:
    """All modules of the library by dotted name; a package stands for its `__init__.py`."""
    named = {}
    for path in LIBRARY.rglob("*.py"):
        parts = path.relative_to(LIBRARY.parent).with_suffix("").parts
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return named


def imported(path: Path) -> Iterator[str]:
    """Dotted names that a file imports, wherever in the file the import stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in modules() else node.module


def imported_rooms(path: Path) -> set[str]:
    return {room_of(name) for name in imported(path) if name.split(".")[0] == "tinyops"} - {""}


def rooms() -> set[str]:
    return {room_of(name) for name in modules()} - {""} - set(PARTED) | {"firmware"}


@cache
def room_imports() -> Mapping[str, set[str]]:
    """Room -> other rooms that its files import."""
    found: dict[str, set[str]] = {room: set() for room in rooms()}
    for name, path in modules().items():
        if room := room_of(name):
            found.setdefault(room, set()).update(imported_rooms(path) - {room})
    return found


def circles(imports: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of names that import each other, directly or through others."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            for name in imports.get(waiting.pop(), set()) - seen:
                seen.add(name)
                waiting.append(name)
        return seen

    below = {name: reached(name) for name in imports}
    groups = {
        tuple(sorted(other for other in below[name] if name in below.get(other, set())))
        for name in imports
        if name in below[name]
    }
    return sorted(map(list, groups))


def test_every_room_has_a_line_in_the_table() -> None:
    assert rooms() == set(ALLOWED) | ANY_ROOM


def test_a_parted_folder_holds_rooms_and_no_files() -> None:
    for folder in PARTED:
        assert [path.name for path in (LIBRARY / folder).glob("*.py")] == ["__init__.py"]
        assert not list(imported(LIBRARY / folder / "__init__.py"))


def test_the_table_has_no_circle() -> None:
    assert circles(ALLOWED) == []


def test_no_files_import_each_other() -> None:
    imports = {name: set(imported(path)) & set(modules()) for name, path in modules().items()}
    assert circles({name: others - {name} for name, others in imports.items()}) == []


def test_a_circle_is_found() -> None:
    imports = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set(), "e": {"a"}}
    assert circles(imports) == [["b", "c"]]


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_a_room_imports_what_the_table_says(room: str) -> None:
    stray = {
        f"{path.relative_to(ROOT)} -> {other}"
        for name, path in modules().items()
        if room_of(name) == room
        for other in imported_rooms(path) - ALLOWED[room] - {room}
    }
    assert stray == set()
    assert ALLOWED[room] - room_imports()[room] == set(), "allowed, but nobody imports it"


def test_tests_mirror_the_rooms() -> None:
    tests = ROOT / "tests"
    folders = {str(path.parent.relative_to(tests)) for path in tests.rglob("test_*.py")} - {"."}
    assert folders - TESTS_OF_NO_ROOM == rooms()


def test_whatever_is_imported_is_there() -> None:
    """Benchmarks and docs are run by hand: a name that has moved shows here."""
    missing = {
        f"{path.relative_to(ROOT)}: {node.module}.{alias.name}"
        for folder in ("benchmarks", "docs", "docker", "dags", "plugins", "tests", "include")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == "tinyops"
        for alias in node.names
        if f"{node.module}.{alias.name}" not in modules()
        and alias.name not in names_in(str(node.module))
    }
    assert missing == set()


@cache
def names_in(module: str) -> set[str]:
    """Names that a module of the library binds at its top level."""
    if module not in modules():
        return set()
    tree = ast.parse(modules()[module].read_text(encoding="utf-8"))
    bound: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                bound.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                bound.add(name)
            case ast.ImportFrom(names=aliases) | ast.Import(names=aliases):
                bound |= {alias.asname or alias.name for alias in aliases}
    return bound


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
        for room in imported_rooms(path) & {"cli", "demo", "local"}
    }
    assert stray == set()


def test_the_test_itself_sees_imports_inside_functions(tmp_path: Path) -> None:
    file = tmp_path / "example.py"
    file.write_text(
        "import tinyops.store.bucket\nfrom tinyops import errors, projects\n"
        "def f():\n    from tinyops.data.quality.gate import check\n"
    )
    assert imported_rooms(file) == {"store", "projects", "data/quality"}


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
