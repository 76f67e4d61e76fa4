"""A command in place of a finger on RESET, such as one that switches the board's USB power."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from tinyops.environment import bare_environment
from tinyops.gateway.log import say

SECONDS = 30.0
"""How long the command may take."""


def pressed(command: Sequence[str], device: str) -> bool:
    """Run the command; whether it ended with status 0. Without one it is a person's turn."""
    if not command:
        return False
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env=bare_environment(),
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        say("reset_command failed", warn=True, device=device, problem=error)
        return False
    if done.returncode:
        problem = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        say("reset_command failed", warn=True, device=device, problem=problem[0])
    return done.returncode == 0
