"""Ways in which a project folder is broken, each beside good ones."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import yaml

from tinyops.projects import projects_folder

GOOD = (projects_folder() / "motor_health" / "project.yaml").read_text()


def _text(change: Callable[[str], str] | str) -> Callable[[Path], None]:
    def write(file: Path) -> None:
        text = change if isinstance(change, str) else change(GOOD)
        file.write_text(text, encoding="utf-8", errors="surrogatepass")

    return write


def _key(**changed: object) -> Callable[[Path], None]:
    content = yaml.safe_load(GOOD) | changed
    return lambda file: file.write_text(yaml.safe_dump(content)) and None


def _loop(file: Path) -> None:
    file.symlink_to(file.name)


def _dangling(file: Path) -> None:
    file.symlink_to("nowhere")


def _pipe(file: Path) -> None:
    os.mkfifo(file)


def _huge(file: Path) -> None:
    with file.open("wb") as handle:
        handle.truncate(1 << 34)


def _device(file: Path) -> None:
    file.symlink_to("/dev/zero")


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20)
)
MERGES = "m0: &m0 {k: 1}\n" + "".join(
    f"m{n}: &m{n}\n  <<: [{', '.join([f'*m{n - 1}'] * 9)}]\n" for n in range(1, 12)
)

BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "brackets": (_text(lambda good: good + "x: " + "[" * 5000 + "]" * 5000), "nested more than"),
    "brackets open": (_text("[" * 5000), "nested more than"),
    "braces": (_text("{a: " * 5000), "nested more than"),
    "dashes": (_text("- " * 5000), "nested more than"),
    "aliases": (_text(BOMB), "aliases followed"),
    "merges": (_text(MERGES), "aliases followed"),
    "chain": (
        _text("a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 900))),
        "nested more than",
    ),
    "itself": (_text(lambda good: good + "x: &x [*x]\n"), "nested more than"),
    "twice": (_text(lambda good: good + "\ntitle: another\n"), "the key 'title' is there twice"),
    "not UTF-8": (lambda file: file.write_bytes(b"name: a\ntitle: \xff") and None, "line 2: byte"),
    "control": (_text("name: \x07"), "special characters"),
    "NUL": (_key(title="a\0b"), "title"),
    "long title": (_key(title="x" * 3000), "title"),
    "surrogate": (_text(lambda good: good + 'x: "\\ud800"\n'), "x: unknown key"),
    "surrogate key": (_text(lambda good: good + '"\\ud800": 1\n'), "unicode string"),
    "number": (_text(lambda good: good + "x: " + "9" * 5000), "Exceeds the limit"),
    "date": (_text(lambda good: good + "x: 2026-13-45"), "month must be in 1..12"),
    "object": (_text("x: !!python/object/apply:os.system [ls]"), "could not determine a const"),
    "folder": (lambda file: file.mkdir(), "Is a directory"),
    "loop": (_loop, "symbolic links"),
    "dangling": (_dangling, "No such file"),
    "pipe": (_pipe, "no regular file"),
    "device": (_device, "no regular file"),
    "huge": (_huge, "more than 65,536 bytes"),
    "empty": (_text(""), "holds no mapping"),
    "every": (_key(schedule={"train": "@every 1s"}), "schedule.train: '@every 1s' is no cron"),
    "never": (_key(schedule={"train": "0 0 31 2 *"}), "'0 0 31 2 *' never comes"),
    "seconds": (_key(schedule={"train": "* * * * * *"}), "is no cron expression, expected five"),
    "random": (_key(schedule={"train": "R R * * *"}), "is no cron expression"),
    "once": (_key(schedule={"train": "@once"}), "is no cron expression"),
    "words": (_key(schedule={"train": "at two"}), "is no cron expression"),
    "long": (_key(schedule={"train": "0," * 3000 + "0 * * * *"}), "at most 100 characters"),
}
"""Name: what writes its project.yaml, and what its error says."""


def break_projects(folder: Path) -> dict[str, str]:
    """Add a folder for each way to a folder of projects: its name, what its error says."""
    said = {}
    for number, (write, message) in enumerate(BROKEN.values()):
        name = f"broken_{number:02d}"
        (folder / name).mkdir()
        write(folder / name / "project.yaml")
        said[name] = message
    strange = os.fsdecode(b"broken_\xff")
    (folder / strange).mkdir()
    (folder / strange / "project.yaml").write_text(GOOD)
    return said | {"broken_\\udcff": "name: 'motor_health' in a folder called"}
