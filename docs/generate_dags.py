"""Write docs/dags.md from the docstrings of the DAG files, which the web pages show as well.

`python docs/generate_dags.py` writes it; with `--check` nothing is written and a difference is an
error.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import cast

from tinyops.projects.dag_ids import MAINTAIN, Stage, dag_id

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "dags.md"
# In the order in which data passes through them.
FILES = (
    "ingest.py",
    "train.py",
    "release.py",
    "monitor.py",
    "predict.py",
    "maintain.py",
    "project_errors.py",
)

HEAD = """\
# DAGs

<!-- Written by docs/generate_dags.py from the DAG files: change them, not this page. -->

Every project has the first five; `tinyops__maintain` serves all of them. DAGs hand over by assets:

```mermaid
flowchart LR
  S3[(incoming/)] -- incoming --> ingest -- dataset --> train
  train -- candidate --> release -- release --> gateways
  gateways --> F[(frames/)] -- frames --> monitor -- drift --> train
  maintain -. what has no receipt .-> ingest & train & release & monitor
```

An event wakes a DAG and is never its work list: a task asks S3 for inputs without a receipt.
"""


def declared_id(text: str) -> str:
    """The DAG's id with `<project>` for the project's name; empty for a file without DAGs."""
    if found := re.search(r'dag_id=dag_id\(project\.name, "(\w+)"\)', text):
        return dag_id("<project>", cast("Stage", found[1]))
    return MAINTAIN if "dag_id=MAINTAIN" in text else ""


def tasks(tree: ast.Module) -> list[tuple[str, str]]:
    """(task id, first line of its docstring) in the order of the file."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef):
            continue
        for decorator in node.decorator_list:
            call = decorator if isinstance(decorator, ast.Call) else None
            if ast.unparse(call.func if call else decorator) != "task":
                continue
            named = [k.value for k in call.keywords if k.arg == "task_id"] if call else []
            name = ast.literal_eval(named[0]) if named else node.name
            found.append((name, (ast.get_docstring(node) or "").splitlines()[0]))
    return found


def section(path: Path) -> str:
    """One DAG file as a section of the page."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    title = f"`{declared_id(text)}`" if declared_id(text) else "Projects that cannot be used"
    lines = [f"## {title}", "", f"[dags/{path.name}](../dags/{path.name})", ""]
    lines += [(ast.get_docstring(tree) or "").strip(), ""]
    if rows := tasks(tree):
        lines += ["| task | what it does |", "|---|---|"]
        lines += [f"| `{name}` | {what} |" for name, what in rows]
        lines += [""]
    return "\n".join(lines)


def page() -> str:
    """The whole page."""
    present = {path.name for path in (ROOT / "dags").glob("*.py")}
    order = [*FILES, *sorted(present - set(FILES))]
    sections = [section(ROOT / "dags" / name) for name in order if name in present]
    return "\n".join([HEAD, *sections])


def main() -> int:
    """Write or check the page."""
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.read_text(encoding="utf-8") == page():
        return 0
    print(f"{PAGE} is stale -> run `python docs/generate_dags.py`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
