"""The machines that may not come back, as salted hashes of their names.

A hash keeps a name from whoever reads the bucket in passing. It does not keep it from somebody who
tries names: those of machines are few and short, and the salt lies beside the hash.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

from tinyops.store import Store, layout


def remember(store: Store, project: str, machine: str) -> str:
    """Put a machine on the list; harmless when it is there. Returns the entry's name."""
    for entry in entries(store, project):
        if entry["hash"] == _hash(entry["salt"], machine):
            return entry["hash"]
    salt = secrets.token_hex(16)
    name = _hash(salt, machine)
    content = {"hash": name, "salt": salt, "at": datetime.now(UTC).isoformat()}
    store.put_json(layout.forgotten(project, name), content)
    return name


def forgotten_among(store: Store, project: str, machines: Iterable[str]) -> set[str]:
    """Those of the machines that are on the list."""
    return among(entries(store, project), machines)


def entries(store: Store, project: str) -> list[dict[str, str]]:
    """The list, for `among`."""
    return [store.get_json(row.key) for row in store.objects(layout.forgotten(project))]


def among(listed: Iterable[dict[str, str]], machines: Iterable[str]) -> set[str]:
    """Those of the machines that are on a list."""
    salted = [(entry["salt"], entry["hash"]) for entry in listed]
    return {
        machine
        for machine in set(machines)
        if any(_hash(salt, machine) == name for salt, name in salted)
    }


def _hash(salt: str, machine: str) -> str:
    return hashlib.sha256(f"{salt}\0{machine}".encode()).hexdigest()[:32]
