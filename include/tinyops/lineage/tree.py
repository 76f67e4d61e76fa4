"""A lineage as a tree: each thing with what it is made from, or with what was made from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Node:
    """One thing. `role` is how it joins its parent, `facts` are plain values about it."""

    kind: str
    name: str
    role: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    children: tuple[Node, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON content."""
        return {
            "kind": self.kind,
            "name": self.name,
            "role": self.role,
            **self.facts,
            "children": [child.to_dict() for child in self.children],
        }

    def walk(self) -> Iterator[Node]:
        """This node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def names(self, kind: str) -> list[str]:
        """Names of a kind below or here, each once."""
        return list(dict.fromkeys(node.name for node in self.walk() if node.kind == kind))
