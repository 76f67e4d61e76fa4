"""Ask Airflow's web server for pages, in this process and with its own sign-in; a child process.

Arguments: file for the answer, file of questions, both JSON. A question: {"role": "viewer", "user",
… or "" for nobody, "method", "path", "headers", "data" (fields of a form), "files" ([field, name,
text])}. The answer: [{"status", "headers", "text"}], one for each.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    answer, questions = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())

    from airflow.api_fastapi.app import create_app, get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    client = TestClient(create_app(), raise_server_exceptions=False)
    found: list[dict[str, Any]] = []
    for question in questions:
        client.cookies.clear()
        if role := question.get("role"):
            user = SimpleAuthManagerUser(username="ada", role=role)
            # As a browser sends it after signing in.
            client.cookies.set("_token", get_auth_manager().generate_jwt(user))
        got = client.request(
            question.get("method", "GET"),
            question["path"],
            headers=question.get("headers"),
            data=question.get("data"),
            files=[(field, (name, text)) for field, name, text in question.get("files", [])]
            or None,
            follow_redirects=False,
        )
        text = got.text[:20_000] if "image" not in got.headers.get("content-type", "") else ""
        found.append({"status": got.status_code, "headers": dict(got.headers), "text": text})
    answer.write_text(json.dumps(found))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
