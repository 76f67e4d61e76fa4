"""The environment that a subprocess gets: no credentials, whatever they are called; and the values
of this process's that are credentials."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

_KEPT = frozenset({"PATH", "HOME", "LANG", "TMPDIR", "TERM", "LD_LIBRARY_PATH"})

_SECRET = ("SECRET", "PASSW", "PASSPHRASE", "TOKEN", "CREDENTIAL", "KEY", "AIRFLOW_CONN_")
_URL_PASSWORD = re.compile(r"://[^\s/?#@:]*:([^\s/?#]+)@")
# Airflow masks nothing shorter, which would be found in half the words of a log.
_SHORTEST = 5
_LINE = 16
_SWITCHES = frozenset({"false", "default"})


def bare_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """What may be passed on of `environment` (default: this process's): a list of names that are
    kept, not of secrets that are removed, so a secret with a new name does not slip through."""
    source = os.environ if environment is None else environment
    return {name: value for name, value in source.items() if name in _KEPT or name[:3] == "LC_"}


def secret_values(environment: Mapping[str, str] | None = None) -> list[str]:
    """Values of `environment` (default: this process's) that no log may show, longest first.

    They are values of variables with a word of _SECRET in their name, the passwords in URLs of any
    variable, and what a JSON value has under such names; each also as URLs, Python and JSON write
    it, and its long lines. Names of files are none, nor are switches and numbers.
    """
    source = os.environ if environment is None else environment
    found: set[str] = set()
    for name, value in source.items():
        found.update(_secrets_of(name, value))
    for write in (partial(quote, safe=""), unquote, repr, json.dumps):
        found |= {write(value).strip("\"'") for value in found}
    found |= {line.strip() for value in found for line in value.splitlines() if len(line) >= _LINE}
    return sorted((value for value in found if _is_worth_hiding(value)), key=len, reverse=True)


def _secrets_of(name: str, value: str) -> Iterator[str]:
    if value.lstrip().startswith(("{", "[")):
        with contextlib.suppress(ValueError, RecursionError):
            yield from _secrets_in(name, json.loads(value))
    yield from _URL_PASSWORD.findall(value)
    if _is_secret(name):
        yield value


def _secrets_in(name: str, content: Any) -> Iterator[str]:
    if isinstance(content, dict):
        for key, value in content.items():
            yield from _secrets_in(str(key), value)
    elif isinstance(content, list):
        for value in content:
            yield from _secrets_in(name, value)
    elif isinstance(content, str):
        yield from _secrets_of(name, content)


def _is_secret(name: str) -> bool:
    return any(word in name.upper() for word in _SECRET)


def _is_worth_hiding(value: str) -> bool:
    if len(value) < _SHORTEST or value.lower() in _SWITCHES or value.isdigit():
        return False
    return not (value.startswith(("/", "~", ".")) and Path(value).expanduser().exists())
