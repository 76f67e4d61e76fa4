"""`python -m tinyops.local.preload NAMES MODULE ARGUMENTS…`: run a module after importing others.

What is forked off the process later has them in memory, shared, at once.
"""

from __future__ import annotations

import importlib
import runpy
import sys


def main() -> None:
    """Import NAMES, separated by commas, and become MODULE."""
    names, module, *arguments = sys.argv[1:]
    for name in names.split(","):
        importlib.import_module(name)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
