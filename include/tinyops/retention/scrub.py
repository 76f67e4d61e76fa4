"""Take the names of a machine and its recordings out of JSON and text."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

SAID = "forgotten"
"""What stands where a name was."""

_TOKEN = re.compile(r"[A-Za-z0-9._:-]+")
_ABOUT = frozenset({"machine", "machine_id", "group", "worst_group"})
"""Keys whose value is a machine."""

_COUNTED = frozenset({"by_machine", "machines", "groups", "per_group"})
"""Keys of mappings from machines to something."""


@dataclass(frozen=True)
class Names:
    """What may not be found any more.

    Parameters
    ----------
    machine
        As a word of its own it is looked for where it cannot be anything else: a machine called
        "1", or like a class, is only taken out where a machine must stand.
    recordings
        Ids; they are looked for everywhere.
    common
        Words that mean something else too.
    """

    machine: str
    recordings: frozenset[str]
    common: frozenset[str] = frozenset()

    @property
    def anywhere(self) -> frozenset[str]:
        """Names that are taken out wherever they stand as a word."""
        plain = self.machine.isdigit() or len(self.machine) < 2 or self.machine in self.common
        return self.recordings if plain else self.recordings | {self.machine}

    def in_text(self, text: str) -> bool:
        """Whether one of them, or the machine's name, may stand in a text."""
        wanted = self.recordings | {self.machine}
        return any(_split(token)[0] in wanted or token in wanted for token in _TOKEN.findall(text))


def scrub_text(text: str, names: Names) -> str:
    """The text with `forgotten` in place of every name."""
    wanted = names.anywhere

    def said(match: re.Match[str]) -> str:
        token = match[0]
        word, rest = _split(token)
        if token in wanted:
            return SAID
        return SAID + rest if word in wanted else token

    return _TOKEN.sub(said, text)


def scrub_json(content: Any, names: Names, under: str = "") -> Any:
    """JSON content without the names: entries about them are left out, other mentions replaced."""
    if isinstance(content, dict):
        gone = names.anywhere | ({names.machine} if under in _COUNTED else set())
        return {
            key: scrub_json(value, names, key) for key, value in content.items() if key not in gone
        }
    if isinstance(content, list):
        return [
            scrub_json(item, names, under) for item in content if not _about(item, names, under)
        ]
    if isinstance(content, str):
        if under in _ABOUT and content == names.machine:
            return SAID
        return scrub_text(content, names)
    return content


def _about(item: Any, names: Names, under: str) -> bool:
    """Whether an entry of a list is a name, or a mapping about one."""
    if isinstance(item, str):
        return item in names.anywhere or (under in _COUNTED and item == names.machine)
    if not isinstance(item, dict):
        return False
    if any(_is(item.get(key), names.recordings) for key in ("recording_id", "recording", "name")):
        return True
    return any(item.get(key) == names.machine for key in ("machine", "machine_id"))


def _is(value: Any, names: Collection[str]) -> bool:
    return isinstance(value, str) and value in names


def _split(token: str) -> tuple[str, str]:
    """A token and the full stops, colons and dashes that it ends in."""
    word = token.rstrip(".:-")
    return word, token[len(word) :]
