"""The S3 endpoint that the environment names."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from tinyops.errors import TinyOpsError

VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
"""Most specific first, as in the AWS SDKs' reference of service-specific endpoints."""


class EndpointInvalid(TinyOpsError):
    """A variable holds no URL of an S3 server."""


def endpoint_from_env() -> str | None:
    """URL of the S3 server; None for the one of AWS.

    Raises
    ------
    EndpointInvalid
        The variable's value is no http or https URL with a host.
    """
    for variable in VARIABLES:
        if value := os.environ.get(variable, "").strip():
            return _checked(variable, value)
    return None


def _checked(variable: str, value: str) -> str:
    try:
        url = urlsplit(value)
        valid = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:  # a port that is no number, or brackets that do not match
        valid = False
    if not valid or any(character.isspace() for character in value):
        host = value.partition("://")[2] if "://" in value else value
        local = host.startswith(("localhost", "127.", "[::1]"))
        example = f"{'http' if local else 'https'}://{host.strip('/') or 'HOST:PORT'}"
        raise EndpointInvalid(
            f"{variable}: {value!r}, expected a URL such as http://localhost:9000",
            f"Write the scheme in front, such as {variable}={example}."
            if "://" not in value
            else f"Correct {variable}.",
        )
    return value
