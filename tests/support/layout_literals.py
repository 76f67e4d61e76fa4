"""Keys of S3 that a file builds or takes apart by hand, found in its syntax tree.

What a key's parts look like is read from the modules that own them: a literal there is refused
anywhere else. A literal that is joined to a local path by `/`, or that stands in a sentence (text
with spaces), names no key.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.support.checkout import ROOT
from tinyops.releases import paths
from tinyops.store import Consumer, Pointer, Receipt, ReportKind, edge_layout, layout, receipts

OWNERS = (
    *sorted((ROOT / "include/tinyops/store/layout").glob("*.py")),
    Path(edge_layout.__file__),
    Path(paths.__file__),
)
MODULES = {"layout": layout, "edge_layout": edge_layout, "paths": paths, "receipts": receipts}
KINDS = {each.__name__ for each in (Pointer, Consumer, ReportKind)}
PARSING = {"removeprefix", "removesuffix", "startswith", "endswith", "replace", "find", "index"}
CUTTING = {"split", "rsplit", "partition", "rpartition"}


@dataclass(frozen=True)
class Vocabulary:
    """What keys consist of: `batch.json`, `.bin.zst`, `gateway=`, `incoming`."""

    files: frozenset[str]
    suffixes: frozenset[str]
    prefixes: frozenset[str]
    folders: frozenset[str]


def vocabulary() -> Vocabulary:
    """All literals of the owners, by what they are."""
    texts = {
        node.value
        for path in OWNERS
        for node in literals(ast.parse(path.read_text(encoding="utf-8")))
        if not re.search(r"[\s\\]", node.value)
    }
    parts = {part for text in texts for part in text.split("/")}
    return Vocabulary(
        files=frozenset(part for part in parts if re.fullmatch(r"[\w-]+(\.[a-z]+)+", part)),
        suffixes=frozenset(part for part in parts if re.fullmatch(r"(\.[a-z]+)+", part)),
        prefixes=frozenset(part for part in parts if re.fullmatch(r"[a-z]+[-=]", part)),
        folders=frozenset(part for text in texts for part in re.findall(r"([a-z]+)/", text)),
    )


def literals(tree: ast.AST) -> Iterator[ast.Constant]:
    """Texts in a tree but docstrings and formats."""
    skipped = set[int]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(id(node.value))
        if isinstance(node, ast.FormattedValue) and node.format_spec:
            skipped |= {id(each) for each in ast.walk(node.format_spec)}
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in skipped
        ):
            yield node


@dataclass(frozen=True)
class Handmade:
    """The faults of one file."""

    source: str
    words: Vocabulary

    @cached_property
    def tree(self) -> ast.Module:
        """The file as a tree."""
        return ast.parse(self.source)

    def faults(self) -> Iterator[tuple[int, str]]:
        """(line, what stands there), each once."""
        yield from sorted(
            {
                (node.lineno, ast.get_source_segment(self.source, node) or "")
                for node in ast.walk(self.tree)
                if id(node) not in self._local and self._is_fault(node)
            }
        )

    def _is_fault(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Constant):
            return id(node) in self._texts and self._is_name(node.value)
        if isinstance(node, ast.JoinedStr):
            return self._is_formatted(node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            sides = (node.left, node.right)
            return any(map(self._is_key, sides)) and any(map(_is_literal, sides))
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            return self._is_key(node.value)
        return isinstance(node, ast.Call) and (self._takes_apart(node) or self._misnames(node))

    def _is_name(self, text: str) -> bool:
        """Whether a text is a file's name, or a pattern of keys."""
        if "\\" in text:
            plain = text.replace("\\", "")
            long = {each for each in self.words.suffixes if each.count(".") > 1}
            marks = {each for each in self.words.prefixes if each.endswith("=")}
            return any(each in plain for each in self.words.files | long | marks)
        last = text.rpartition("/")[2]
        return not re.search(r"\s", text) and (last in self.words.files or self._in_folder(text))

    def _in_folder(self, text: str) -> bool:
        """Whether a path leads through a folder of keys, from the top or below a project."""
        return any(text.startswith((f"{each}/", f"/{each}/")) for each in self.words.folders)

    def _is_formatted(self, node: ast.JoinedStr) -> bool:
        texts = [part.value for part in node.values if isinstance(part, ast.Constant)]
        if any(re.search(r"\s", text) for text in texts):
            return False
        first, last = node.values[0], node.values[-1]
        if isinstance(last, ast.Constant) and last.value.endswith(tuple(self.words.suffixes)):
            return True
        if isinstance(first, ast.Constant) and first.value in self.words.prefixes:
            return True
        values = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
        return len(node.values) > 1 and any(map(self._is_key, values))

    def _is_key(self, node: ast.AST) -> bool:
        """Whether an expression is a key, a folder of keys, or the URI of one."""
        if isinstance(node, ast.Name):
            return node.id in self._keys
        if isinstance(node, ast.BinOp):
            return self._is_key(node.left) or self._is_key(node.right)
        if isinstance(node, ast.Attribute):
            return node.attr == "key" and not isinstance(node.ctx, ast.Store)
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return False
        if node.func.attr == "uri" and node.args:
            return self._is_key(node.args[0])
        function = _function(node)
        return function is not None and inspect.signature(function).return_annotation == "str"

    def _takes_apart(self, node: ast.Call) -> bool:
        if not isinstance(node.func, ast.Attribute):
            return False
        given = [each.value for arg in node.args for each in literals(arg)]
        if node.func.attr in PARSING | CUTTING:
            known = self.words.suffixes | self.words.prefixes
            if known.intersection(given):
                return True
        cut = node.func.attr in CUTTING and any("/" in text for text in given)
        return cut and any(map(self._is_key, ast.walk(node.func.value)))

    def _misnames(self, node: ast.Call) -> bool:
        """Whether a pointer, consumer or kind of report is passed as a text."""
        function = (
            Receipt if isinstance(node.func, ast.Name) and node.func.id == "Receipt" else None
        )
        function = function or _function(node)
        if function is None:
            return False
        names = list(inspect.signature(function).parameters.items())
        passed = dict(zip((name for name, _ in names), node.args, strict=False))
        passed |= {each.arg: each.value for each in node.keywords if each.arg}
        return any(
            _is_literal(passed[name])
            or (isinstance(passed[name], ast.Name) and passed[name].id in self._named)
            for name, parameter in names
            if parameter.annotation in KINDS and name in passed
        )

    @cached_property
    def _texts(self) -> set[int]:
        """Literals that stand alone: no docstrings, no parts of f-strings that are sentences."""
        found = {id(node) for node in literals(self.tree)}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.JoinedStr):
                parts = [part for part in node.values if isinstance(part, ast.Constant)]
                if any(re.search(r"\s", part.value) for part in parts):
                    found -= {id(part) for part in parts}
        return found

    @cached_property
    def _local(self) -> set[int]:
        """What is joined to a local path: `folder / "model.tflite"`."""
        return {
            id(each)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
            for each in ast.walk(node.right)
        }

    @cached_property
    def _keys(self) -> set[str]:
        """Variables that hold keys or folders of keys."""
        return {name for name, value in _bound(self.tree) if _calls_a_builder(value)}

    @cached_property
    def _named(self) -> set[str]:
        """Variables that hold a literal, or go through some."""
        return {name for name, value in _bound(self.tree) if _is_literal(value)}


def _bound(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """(variable, what it is given): by an assignment, or in its turn by a loop."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            pairs = [(node.target, node.value)]
        elif isinstance(node, ast.For | ast.comprehension):
            pairs = [(node.target, value) for value in getattr(node.iter, "elts", ())]
        else:
            continue
        for target, value in pairs:
            if isinstance(target, ast.Name):
                yield target.id, value
            elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                names = (each.id for each in target.elts if isinstance(each, ast.Name))
                yield from zip(names, value.elts, strict=False)


def _is_literal(node: ast.AST) -> bool:
    if isinstance(node, ast.JoinedStr):
        return True
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value != ""


def _function(node: ast.Call) -> Callable[..., object] | None:
    """The owner's function that is called, or None."""
    called = node.func
    if not isinstance(called, ast.Attribute) or not isinstance(called.value, ast.Name):
        return None
    function = getattr(MODULES.get(called.value.id), called.attr, None)
    return function if inspect.isfunction(function) else None


def _calls_a_builder(node: ast.AST) -> bool:
    """Whether an expression is a builder's key, perhaps with more behind it."""
    if isinstance(node, ast.BinOp):
        return _calls_a_builder(node.left)
    function = _function(node) if isinstance(node, ast.Call) else None
    return function is not None and inspect.signature(function).return_annotation == "str"
