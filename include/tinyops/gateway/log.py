"""The gateway's log: one line an event, `key=value`, on standard error."""

from __future__ import annotations

import logging
import sys
import time

from tinyops.printable import json_text, printable

_LOGGER = logging.getLogger("tinyops.gateway")


def start_logging() -> None:
    """Send the gateway's lines to standard error, with UTC time and level in front."""
    handler = logging.StreamHandler(sys.stderr)
    formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False


def say(what: str, *, warn: bool = False, **fields: object) -> None:
    """One line: what happened, and the fields that are not empty."""
    words = [
        printable(what),
        *(f"{name}={_word(value)}" for name, value in fields.items() if value != ""),
    ]
    _LOGGER.log(logging.WARNING if warn else logging.INFO, "%s", " ".join(words))


def _word(value: object) -> str:
    text = str(value)
    unquoted = text.isprintable() and not any(character in text for character in ' "=')
    return text if unquoted else json_text(text)
