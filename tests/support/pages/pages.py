"""HTTP requests to Airflow's web server, and its answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.airflow_runs import AirflowProcess
from tinyops.store import Store

SCRIPT = Path(__file__).with_name("serve_pages.py")


@dataclass(frozen=True)
class Page:
    """What came back; `text` is empty for a picture."""

    status: int
    headers: dict[str, str]
    text: str


def ask(
    airflow: AirflowProcess, store: Store, folder: Path, questions: list[dict[str, Any]]
) -> list[Page]:
    """One answer for each question, from a web server of its own; see serve_pages.py.

    Parameters
    ----------
    folder
        For questions and answers.
    """
    env = airflow.env(TINYOPS_BUCKET=store.bucket)
    file = folder / "questions.json"
    file.write_text(json.dumps(questions))
    answers = airflow.answer_of(SCRIPT, str(file), env=env, answer=folder / "pages.json")
    return [Page(**one) for one in answers]
