"""Texts with places in them: `{folder}` is the file's folder, `{speaker}` a part of its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tinyops.data.recordings.importers.capture import ImportRefused

_PLACE = re.compile(r"\{([A-Za-z_]\w*)\}")
OF_PATH = ("stem", "folder", "parent")


def places_of(path: Path, named: str = "") -> dict[str, str]:
    """What `{stem}`, `{folder}` and `{parent}` stand for, and the parts of a name made as `named`.

    `named` is the file's name without its ending, with places for what varies:
    `{speaker}_nohash_{take}`. It is read from left to right, a part up to the text behind it, so
    no name takes long.

    Raises
    ------
    ImportRefused
        The name is not made so, or `named` has a part twice, or two parts with nothing between.
    """
    found = {"stem": path.stem, "folder": path.parent.name, "parent": path.parent.parent.name}
    return found | (_parts(path, named) if named else {})


def filled(text: str, places: Mapping[str, str], path: Path) -> str:
    """A text with its places filled in.

    Raises
    ------
    ImportRefused
        It names a place that there is not.
    """

    def value(match: re.Match[str]) -> str:
        try:
            return places[match[1]]
        except KeyError:
            raise ImportRefused(
                f"{path.name}: nothing stands for {match[0]} in {text!r}",
                f"there is: {', '.join(f'{{{name}}}' for name in sorted(places))}",
            ) from None

    return _PLACE.sub(value, text)


def names_any(text: str, places: Mapping[str, str]) -> bool:
    """Whether a text holds one of these places."""
    return any(name in places for name in _PLACE.findall(text))


def _parts(path: Path, named: str) -> dict[str, str]:
    first, *pieces = _PLACE.split(named)
    names, texts = pieces[::2], pieces[1::2]
    if len(set(names)) < len(names) or set(names) & set(OF_PATH) or "" in texts[:-1]:
        raise ImportRefused(
            f"{named!r} does not say how names are made",
            "give each part a name of its own and text between any two: {speaker}_{take}",
        )
    rest, found = path.stem, {}
    good = rest.startswith(first)
    rest = rest.removeprefix(first)
    for number, (name, text) in enumerate(zip(names, texts, strict=True), 1):
        if number == len(names):
            good = good and rest.endswith(text)
            found[name], rest = rest.removesuffix(text), ""
        else:
            found[name], between, rest = rest.partition(text)
            good = good and bool(between)
    if not good or rest or not all(found.values()):
        raise ImportRefused(
            f"{path.name}: its name is not made as {named!r}", "correct --named, or rename the file"
        )
    return found
