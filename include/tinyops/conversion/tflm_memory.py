"""What TensorFlow Lite Micro needs for a model, measured on this host."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass

from tinyops.environment import bare_environment

_CHILD = """
import sys
import numpy as np
from tflite_micro import runtime
interpreter = runtime.Interpreter.from_bytes(sys.stdin.buffer.read())
shape = interpreter.get_input_details(0)["shape"]
kind = interpreter.get_input_details(0)["dtype"]
interpreter.set_input(np.zeros(shape, kind), 0)
interpreter.invoke()
interpreter.print_allocations()
"""


@dataclass(frozen=True)
class TflmMemory:
    """Arena in bytes on a 64-bit host (an upper bound for 32 bits), or why there is none."""

    arena_bytes: int | None
    problem: str = ""


def measure(tflite: bytes) -> TflmMemory:
    """Run the model once in a process of its own: the figures come on standard error, and a model
    that TFLM cannot take may abort the process."""
    done = subprocess.run(
        [sys.executable, "-c", _CHILD],
        input=tflite,
        capture_output=True,
        env=bare_environment(),
        timeout=300,
        check=False,
    )
    text = done.stderr.decode(errors="replace")
    found = re.search(r"Arena allocation total (\d+) bytes", text)
    if done.returncode == 0 and found:
        return TflmMemory(int(found[1]))
    missing = re.search(r"Didn't find op for builtin opcode '(\w+)'", text)
    if missing:
        return TflmMemory(None, f"operator {missing[1]} is not in TensorFlow Lite Micro")
    # TFLM says why before the Python traceback begins.
    said = [line.strip() for line in text.partition("Traceback")[0].splitlines() if line.strip()]
    return TflmMemory(None, said[0] if said else f"exit status {done.returncode}")
