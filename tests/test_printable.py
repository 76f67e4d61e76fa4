"""Text from outside as terminals, scripts, Markdown and logs get it: one hostile name for each."""

from __future__ import annotations

import json
import logging

import pytest

from tinyops.gateway.log import say
from tinyops.names import as_name, is_name
from tinyops.printable import json_text, markdown, printable, script_json

HOSTILE = "</script><script>alert(1)</script>\x1b[31m\u202e[red]x|\x9b2J\r\ud800"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mx", r"\x1b[31mx"),
        ("\x9b2J\x7f\r\t\0", r"\x9b2J\x7f\r\t\x00"),
        ("two\nlines", r"two\nlines"),
        ("\u202egnp.exe\u2028", r"\u202egnp.exe\u2028"),
        ("\ud800", r"\ud800"),
        ("Käfer 風 T² ≤ 1 😀\u00a0µ", "Käfer 風 T² ≤ 1 😀\u00a0µ"),
        (7, "7"),
    ],
)
def test_control_characters_are_shown_and_other_text_stays(text: object, shown: str) -> None:
    assert printable(text) == shown
    assert printable(shown) == shown


def test_lines_stay_where_they_are_ours() -> None:
    assert printable("a\nb\x1b", lines=True) == "a\nb\\x1b"


@pytest.mark.parametrize("indent", [None, 2])
def test_json_is_the_same_for_a_program_and_harmless_for_a_terminal(indent: int | None) -> None:
    content = {HOSTILE: [HOSTILE, "Käfer 😀", "\U000e0001"]}
    text = json_text(content, indent)
    assert json.loads(text) == content
    assert printable(text, lines=True) == text
    assert "Käfer 😀" in text


def test_json_in_a_page_ends_no_script() -> None:
    text = script_json(json.dumps({"name": HOSTILE}))
    assert json.loads(text) == {"name": HOSTILE}
    assert not set("<>&\u2028\u2029") & set(text)


def test_markdown_shows_markup_and_keeps_names_searchable() -> None:
    text = markdown("<script>|a|`b`[c](javascript:d)\n# machine_7:x.y-z")
    assert not set("<>|`[]\n") & set(text)
    assert "machine_7:x.y-z" in text


def test_a_line_of_the_gateways_log_is_one_line_of_harmless_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "tinyops.gateway"):
        say("frames refused", version=HOSTILE, reason="x\x1b[2J")
    [line] = caplog.messages
    assert printable(line) == line
    assert line.startswith('frames refused version="</script>')


@pytest.mark.parametrize("text", ["press-7", "v1", "a.b_c", "7", "x" * 64, "a--b"])
def test_names(text: str) -> None:
    assert is_name(text)
    assert as_name(text).startswith(text.replace(".", "-")[:1])


@pytest.mark.parametrize(
    "text",
    ["", "x" * 65, ".x", "-x", "_x", "a..b", "a.", "a b", "a\n", "ä", "a/b", HOSTILE, None, 7],
)
def test_what_is_no_name(text: object) -> None:
    assert not is_name(text)


@pytest.mark.parametrize("text", ["my model (1)", "..x..", "a..b.", "x" * 90, HOSTILE])
def test_a_name_can_be_made_of_a_file_name(text: str) -> None:
    assert is_name(as_name(text))
    assert as_name("…") == ""
