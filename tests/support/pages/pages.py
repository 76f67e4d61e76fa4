"""Questions to Airflow's web server, and its answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.airflow_runs import airflow_env, answer_of, migrate
from tinyops.store import Store

SCRIPT = Path(__file__).with_name("serve_pages.py")


@dataclass(frozen=True)
class Page:
    """What came back; `text` is empty for a picture."""

    status: int
    headers: dict[str, str]
    text: str


def ask(store: Store, home: Path, questions: list[dict[str, Any]]) -> list[Page]:
    """One answer for each question, from a web server of its own; see serve_pages.py."""
    home.mkdir(exist_ok=True)
    env = airflow_env(home, TINYOPS_BUCKET=store.bucket)
    migrate(env)
    file = home / "questions.json"
    file.write_text(json.dumps(questions))
    answers = answer_of(SCRIPT, str(file), env=env, answer=home / "pages.json", timeout=400)
    return [Page(**one) for one in answers]
