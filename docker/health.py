"""Exit 0 when an address answers and, where one is named, a component of Airflow is healthy.

    python docker/health.py URL [COMPONENT]

Airflow's own `airflow jobs check` imports Airflow each time: seconds of processor time.
"""

from __future__ import annotations

import json
import sys
from urllib.request import urlopen


def main(url: str, component: str = "") -> str | None:
    """Why it is not healthy; None when it is."""
    try:
        with urlopen(url, timeout=20) as answer:
            content = answer.read()
    except OSError as error:
        return f"{url}: {error}"
    status = json.loads(content)[component]["status"] if component else "healthy"
    return None if status == "healthy" else f"{component}: {status}"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
