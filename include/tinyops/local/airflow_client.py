"""A small client of Airflow's REST API v2, on the standard library alone."""

from __future__ import annotations

import contextlib
import json
import time
import urllib.error
import urllib.request
from typing import Any

from tinyops.errors import TinyOpsError

# Airflow 3.3: a token of the simple auth manager lives 24 h.
TOKEN_SECONDS = 12 * 3600

# With SQLite, a request that changes something may meet a task's request that holds the write
# lock: Airflow answers 500 after 5 s and has done nothing (see EmbeddedAirflow.migrate).
BUSY_PAUSES = (0.2, 0.5, 1.0, 2.0)


class AirflowError(TinyOpsError):
    """Airflow does not answer, or refused a request."""


class AirflowRefused(AirflowError):
    """Airflow answered with an error; `status` is the HTTP status."""

    def __init__(self, message: str, fix: str, status: int) -> None:
        super().__init__(message, fix)
        self.status = status


class AirflowClient:
    """Speaks JSON with one Airflow; fetches and renews its token by itself."""

    def __init__(self, url: str, username: str, password: str, timeout: float = 60.0) -> None:
        self.url, self.username, self.password = url, username, password
        self.timeout = timeout
        self._token = ""
        self._token_until = 0.0

    def api(self, method: str, path: str, json: Any = None) -> Any:
        """Send one request and return the decoded JSON answer (None for an empty one).

        Parameters
        ----------
        path
            Begins with `/api/v2/`; run ids in it must be URL-encoded (they contain `+`).

        Raises
        ------
        AirflowRefused
            The answer is an HTTP error.
        AirflowError
            There is no answer.
        """
        if time.monotonic() > self._token_until:
            self._sign_in()
        for pause in (*BUSY_PAUSES, None):
            try:
                return self._send(method, path, json, self._token)
            except AirflowRefused as error:
                if error.status == 401:
                    self._sign_in()
                elif error.status < 500 or pause is None:
                    raise
                time.sleep(pause or 0.0)
        return self._send(method, path, json, self._token)

    def health(self) -> dict[str, str]:
        """Component -> status (`healthy`, `unhealthy`); empty while the server does not answer."""
        try:
            answer = self._send("GET", "/api/v2/monitor/health", None, "")
        except AirflowError:
            return {}
        return {name: str(part["status"]) for name, part in answer.items() if part}

    def warm_up(self) -> None:
        """Make the API server load what serves running tasks; harmless when it has."""
        with contextlib.suppress(AirflowError):
            self._send("GET", "/execution/health", None, "")

    def _sign_in(self) -> None:
        answer = self._send(
            "POST", "/auth/token", {"username": self.username, "password": self.password}, ""
        )
        self._token = str(answer["access_token"])
        self._token_until = time.monotonic() + TOKEN_SECONDS

    def _send(self, method: str, path: str, content: Any, token: str) -> Any:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        body = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(self.url + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            detail = error.read(500).decode(errors="replace")
            raise AirflowRefused(
                f"Airflow refused {method} {path}: {error.code} {detail}",
                "check the path and the body" if error.code < 500 else "read the api-server's log",
                error.code,
            ) from None
        except (OSError, ValueError) as error:
            raise AirflowError(
                f"Airflow at {self.url} does not answer: {error}", "look at `tinyops status`"
            ) from None
        return json.loads(text) if text else None
