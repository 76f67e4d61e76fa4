"""YAML files that people write: project.yaml, the board catalogue, the gateway's configuration.

PyYAML's safe loader takes keys that are there twice, follows aliases without end and recurses once
for each bracket. Here a file has limits of size, depth and content, a key is there once, and
whatever is wrong is one error with its line.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import yaml

LIMIT_BYTES = 64 * 1024
"""Largest file, unless the caller takes more; PyYAML reads about 100 kB a second."""

DEPTH = 32
"""Most levels of lists and mappings, aliases followed."""

BYTES_A_VALUE = 3
"""A file of so many bytes has at most a value in each of these, aliases followed."""


class YamlFileError(Exception):
    """A file is no YAML that can be used: `reason` is one line, `line` counts from 1."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason = " ".join(reason.split())
        self.line = line

    @property
    def where(self) -> str:
        """` line 3`, or nothing where the line is not known."""
        return f" line {self.line}" if self.line else ""


def read_yaml(path: Path, limit: int = LIMIT_BYTES) -> Any:
    """The content of a YAML file.

    Parameters
    ----------
    limit
        Most bytes.

    Raises
    ------
    YamlFileError
        It is no regular file, too large, no UTF-8, or as of `loads_yaml`.
    OSError
        It cannot be opened.
    """
    # A pipe must not block, and its content would be gone.
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(file, "rb") as handle:
        if not stat.S_ISREG(os.fstat(handle.fileno()).st_mode):
            raise YamlFileError("no regular file")
        data = handle.read(limit + 1)
    if len(data) > limit:
        raise YamlFileError(f"more than {limit:,} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise YamlFileError(f"byte {data[error.start]:#04x} is no UTF-8", line) from None
    return loads_yaml(text, limit)


def loads_yaml(text: str, limit: int = LIMIT_BYTES) -> Any:
    """The content of a YAML text; `limit` as of `read_yaml`, for what it holds.

    Raises
    ------
    YamlFileError
        It is not valid, has a key twice, or is too deep or too large when aliases are followed.
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _measure(node, 1, limit // BYTES_A_VALUE, {})
        return loader.construct_document(node)
    except YamlFileError:
        raise
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not valid"
        raise YamlFileError(str(problem), mark.line + 1 if mark else None) from None
    except Exception as error:
        # Dates and numbers that Python refuses, and whatever else a constructor meets.
        raise YamlFileError(f"{type(error).__name__}: {str(error)[:200]}") from None


class _Loader(yaml.SafeLoader):
    """The safe loader, which goes only so deep."""

    _depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self._depth += 1
        try:
            if self._depth > DEPTH:
                mark = self.peek_event().start_mark
                raise YamlFileError(f"nested more than {DEPTH} deep", mark.line + 1)
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


def _measure(
    node: Any, depth: int, limit: int, known: dict[int, tuple[int, int]]
) -> tuple[int, int]:
    """Nodes and levels below a node with aliases followed, each node looked at once."""
    line = node.start_mark.line + 1
    if depth > DEPTH:
        # A list that holds itself ends here too.
        raise YamlFileError(f"nested more than {DEPTH} deep", line)
    if id(node) not in known:
        below = []
        if isinstance(node, yaml.MappingNode):
            _refuse_twice(node)
            below = [each for pair in node.value for each in pair]
        elif isinstance(node, yaml.SequenceNode):
            below = node.value
        found = [_measure(each, depth + 1, limit, known) for each in below]
        nodes = 1 + sum(count for count, _ in found)
        known[id(node)] = nodes, 1 + max((levels for _, levels in found), default=0)
    nodes, levels = known[id(node)]
    if nodes > limit:
        raise YamlFileError(f"more than {limit:,} values, aliases followed", line)
    if depth + levels - 1 > DEPTH:
        raise YamlFileError(f"nested more than {DEPTH} deep", line)
    return nodes, levels


def _refuse_twice(node: yaml.MappingNode) -> None:
    seen = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        if (key.tag, key.value) in seen:
            line = key.start_mark.line + 1
            raise YamlFileError(f"the key {key.value[:60]!r} is there twice", line)
        seen.add((key.tag, key.value))
