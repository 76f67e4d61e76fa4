"""Conditions that are about a person: by their name, or by what their value looks like.

A condition names circumstances of a machine. Who stood beside it is another matter: it needs a
purpose, and project.yaml says it (`privacy.personal_fields`).
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping

# Words of a name, whole: `operator` but not `operating_point`, `lat` but not `latency`.
_PEOPLE = """
operator technician worker employee person patient subject customer user username surname firstname
lastname fullname nickname email mail phone mobile telephone tel fax address street postcode zipcode
zip birth birthday birthdate dob age gender sex nationality religion ssn passport iban gps latitude
longitude lat lon lng geo location ip face photo biometric
"""

# A person's unless it is about a thing: `first_name`, but also `machine_name`.
_OF_NAMES = "first last full family given maiden middle sur nick"

# With one of these, some words above are about a machine: its age, its address on a bus.
_MACHINES = """
machine motor bearing device sensor board pump fan gear oil tool bus modbus can i2c node firmware
model mount mounting load axis channel shaft
"""
_EITHER = "age address location user subject ip face tel geo"

_PERSONAL_WORDS = frozenset(_PEOPLE.split())
_NAME_OF = frozenset(_OF_NAMES.split())
_MACHINE_WORDS = frozenset(_MACHINES.split())
_OF_MACHINES_TOO = frozenset(_EITHER.split())

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]*\w")
# As written for people: with a leading +, or an 0 and separators; not a plain or decimal number.
_PHONE = re.compile(r"(\+\d[\d\s()/.-]{7,}\d|\(?0\d{1,4}\)?[\s/-]\d[\d\s/-]{4,}\d)")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{2}-\d{2}-\d{4}")


def personal_field(conditions: Mapping[str, str], declared: Container[str]) -> str | None:
    """What of the conditions is about a person and not declared, as a phrase; None for nothing."""
    for name, value in sorted(conditions.items()):
        if name in declared:
            continue
        if looks_personal(name):
            return f"condition {name!r}"
        if kind := _personal_value(value):
            return f"{kind} in condition {name!r}"
    return None


def looks_personal(name: str) -> bool:
    """Whether a condition or column of this name is likely to be about a person."""
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)]
    words = words or [name.lower()]
    found = _PERSONAL_WORDS.intersection(words)
    if _MACHINE_WORDS.intersection(words):
        found -= _OF_MACHINES_TOO
    named = "name" in words and (words == ["name"] or bool(_NAME_OF.intersection(words)))
    joined = "".join(words) in _PERSONAL_WORDS
    return bool(found) or named or joined


def _personal_value(value: str) -> str | None:
    if _EMAIL.search(value):
        return "an e-mail address"
    text = value.strip()
    if _PHONE.fullmatch(text) and not _DATE.match(text):
        return "a phone number"
    return None
