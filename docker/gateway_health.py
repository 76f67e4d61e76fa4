"""Exit 0 when the gateway has reported to S3 within the last two minutes.

python docker/gateway_health.py CONFIG
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tinyops.errors import TinyOpsError
from tinyops.gateway.config import load_config
from tinyops.store import Store, edge_layout

SILENCE = timedelta(minutes=2)


def main(config: Path) -> str | None:
    """Why it is not healthy; None when it is."""
    try:
        name = load_config(config).name
        status = Store.from_env(attempts=1, timeout=8.0).get_json(edge_layout.gateway_status(name))
    except TinyOpsError as error:
        return str(error)
    age = datetime.now(UTC) - datetime.fromisoformat(status["at"])
    return None if age < SILENCE else f"gateway {name} was last heard of {age} ago"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
