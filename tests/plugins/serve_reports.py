"""Ask Airflow's web server for reports, in this process and with its own sign-in; a child process.

Arguments: file for the answer, then paths to get. The answer: {"anonymous": {path: status},
"signed in": {path: [status, headers, text]}, "post": status}.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    answer, paths = Path(sys.argv[1]), sys.argv[2:]

    from airflow.api_fastapi.app import create_app, get_auth_manager
    from fastapi.testclient import TestClient

    client = TestClient(create_app(), raise_server_exceptions=False)
    found: dict[str, Any] = {"anonymous": {}, "signed in": {}}
    for path in paths:
        found["anonymous"][path] = client.get(path, follow_redirects=False).status_code
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="ada", role="viewer"))
    # As a browser sends it after signing in.
    client.cookies.set("_token", token)
    for path in paths:
        got = client.get(path, follow_redirects=False)
        found["signed in"][path] = [got.status_code, dict(got.headers), got.text[:5000]]
    found["post"] = client.post(paths[0]).status_code
    answer.write_text(json.dumps(found))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
