"""Text from outside, made fit for where it is shown: a terminal, a page's script, Markdown.

Names, reasons and files that come from S3 or from a board may hold anything: control sequences
that rewrite a terminal, characters that turn the direction of writing, markup. Each function
below leaves ordinary text of any language as it is.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

_UNUSUAL = re.compile(r"[^\x20-\x7e]")
_MARKDOWN = re.compile(r"[\\`*\[\]<>&|#~]")


def printable(text: object, lines: bool = False) -> str:
    r"""Return one line in which control characters stand as escapes such as `\x1b`.

    Parameters
    ----------
    lines
        Keep line feeds, for text of several lines that is ours.
    """
    return _UNUSUAL.sub(lambda found: _escaped(found[0], "\n" if lines else ""), str(text))


def rich_text(text: object) -> str:
    """Return one line that rich shows as it is, with `[red]` as text."""
    from rich.markup import escape

    return escape(printable(text))


def json_text(content: Any, indent: int | None = None) -> str:
    r"""Return JSON whose texts hold no control characters: they are `\u009b` and so on.

    The value is the same for whoever parses it.
    """
    text = json.dumps(content, indent=indent, ensure_ascii=False)
    return _UNUSUAL.sub(lambda found: _json_escaped(found[0]), text)


def script_json(text: str) -> str:
    r"""Return a JSON text that can stand inside an HTML script element, with `<` as `\u003c`.

    In JSON these characters occur in strings alone, where the escape means the same.
    """
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def markdown(text: object) -> str:
    """Return one line of Markdown that shows the text as it is, also within a table.

    Letters, digits and `._:-` are never escaped, so names can be searched for in the result.
    """
    return _MARKDOWN.sub(lambda found: f"&#{ord(found[0])};", printable(text))


def _is_shown(character: str) -> bool:
    # Spaces of other widths are harmless, and part of several languages.
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _escaped(character: str, kept: str) -> str:
    if character == kept or _is_shown(character):
        return character
    return character.encode("unicode_escape").decode("ascii")


def _json_escaped(character: str) -> str:
    if character == "\n" or _is_shown(character):
        return character
    return json.dumps(character)[1:-1]
