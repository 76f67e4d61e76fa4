"""docker-compose.yaml, Dockerfile and .dockerignore as data: what Docker would read from them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import PurePosixPath
from typing import Any

import yaml

from tests.support.checkout import ROOT

COMPOSE_FILE = ROOT / "docker-compose.yaml"
WORKDIR = PurePosixPath("/opt/tinyops")

_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?:(?P<operator>:\?|:-)(?P<rest>[^}]*))?\})")


class MissingVariable(ValueError):
    """A variable that the file demands is not set; the text is what Compose would print."""


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """`${NAME}`, `${NAME:-default}`, `${NAME:?message}` and `$$` as the specification says."""

    def value(match: re.Match[str]) -> str:
        name, rest = match["name"], match["rest"] or ""
        if name is None:
            return "$"
        found = variables.get(name, "")
        if match["operator"] == ":?" and not found:
            raise MissingVariable(f"{name}: {rest}")
        return found or (rest if match["operator"] == ":-" else "")

    return _VARIABLE.sub(value, text)


def variable_names(text: str) -> set[str]:
    """Names of all variables that a text mentions."""
    return {match["name"] for match in _VARIABLE.finditer(text) if match["name"]}


def example_variables() -> dict[str, str]:
    """Names in .env.example; optional ones, commented out there, with their values."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return dict(re.findall(r"^#?([A-Z0-9_]+)=(.*)$", text, flags=re.MULTILINE))


def load_compose(variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The file with anchors and merges resolved; interpolated if there are variables."""
    content = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))
    return content if variables is None else _interpolated(content, variables)


def _interpolated(value: Any, variables: Mapping[str, str]) -> Any:
    # After parsing, as Compose does it: a value may hold characters that mean something in YAML.
    if isinstance(value, str):
        return interpolate(value, variables)
    if isinstance(value, list):
        return [_interpolated(item, variables) for item in value]
    if isinstance(value, dict):
        return {key: _interpolated(item, variables) for key, item in value.items()}
    return value


@dataclass(frozen=True)
class Instruction:
    """One instruction of a Dockerfile: `COPY`, and its arguments on one line."""

    name: str
    arguments: str


def dockerfile() -> list[Instruction]:
    """The instructions, comments left out and continued lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    split = (line.split(maxsplit=1) for line in joined.splitlines() if line.strip())
    return [Instruction(name, " ".join(rest.split())) for name, rest in split]


def copied(tracked: list[str], ignore: str, instructions: list[Instruction]) -> set[str]:
    """Absolute paths of all files that COPY puts into the image.

    Parameters
    ----------
    tracked
        Files of the build context, relative.
    ignore
        The text of .dockerignore.
    instructions
        COPY with sources and a target relative to WORKDIR, and no options.
    """
    context = [path for path in tracked if not _ignored(path, ignore)]
    found = set()
    for instruction in instructions:
        if instruction.name != "COPY":
            continue
        *sources, target = instruction.arguments.split()
        for source in sources:
            files = [path for path in context if path == source or path.startswith(f"{source}/")]
            assert files, f"COPY {source}: nothing of that name is in the build context"
            for path in files:
                # A folder's content goes into the target, a file under its own name into `./`.
                inside = PurePosixPath(path).relative_to(source) if path != source else path
                found.add(str(WORKDIR / target / inside))
    return found


def _ignored(path: str, ignore: str) -> bool:
    # The last pattern that matches the path or a folder above it decides.
    parents = [str(parent) for parent in PurePosixPath(path).parents if str(parent) != "."]
    ignored = False
    for line in ignore.splitlines():
        pattern = line.strip().removeprefix("!")
        if not pattern or line.startswith("#"):
            continue
        if any(_matches(name, pattern) for name in (path, *parents)):
            ignored = not line.startswith("!")
    return ignored


def _matches(name: str, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return fnmatchcase(PurePosixPath(name).name, pattern.removeprefix("**/"))
    return "/" not in name and fnmatchcase(name, pattern)


@cache
def image_files() -> frozenset[str]:
    """Files of this project in the image, from what git would hand to a build."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    tracked = [path for path in listed.stdout.splitlines() if (ROOT / path).is_file()]
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    return frozenset(copied(tracked, ignore, dockerfile()))
