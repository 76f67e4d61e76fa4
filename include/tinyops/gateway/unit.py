"""The systemd unit of a gateway, from the template beside this file."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from string import Template

from tinyops.gateway.config import GatewayConfig
from tinyops.gateway.errors import GatewayError

TEMPLATE = Path(__file__).with_name("tinyops-gateway.service")
STATE = Path("/var/lib")
"""Where systemd makes state folders (StateDirectory= in systemd.exec)."""
BEYOND_FLASH = 60
"""Seconds that stopping may take beside a flash: a self-test takes 30, S3's time-outs 20."""


def systemd_unit(path: Path, config: GatewayConfig, environment: Path) -> str:
    """The content of the unit file.

    Parameters
    ----------
    path
        The gateway's YAML file, and `config` what it says.
    environment
        File of the variables with S3's address and keys.

    Raises
    ------
    GatewayError
        The state folder is where the hardened unit may not write.
    """
    if STATE not in config.state.parents:
        raise GatewayError(
            f"{path}: state: {config.state} is not below {STATE}",
            f"write state: {STATE}/tinyops-gateway; systemd makes the folder",
        )
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        name=config.name,
        python=_quoted(sys.executable),
        config=_quoted(str(path.resolve())),
        environment=str(environment.resolve()).replace("%", "%%"),
        state=str(config.state.relative_to(STATE)).replace("%", "%%"),
        stop=math.ceil(config.stop_seconds) + BEYOND_FLASH,
    )


def _quoted(word: str) -> str:
    """One word of a command line, as systemd.service and systemd.unit quote it."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'
