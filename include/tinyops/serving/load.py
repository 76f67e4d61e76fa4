"""LiteRT on this host in the four scenarios, driven by MLCommons' load generator.

`mlcommons-loadgen` (source under Apache-2.0; wheels for Linux on x86-64 and macOS, none for Linux
on arm64) starts threads of its own and both it and LiteRT may abort the process, so a child runs
them, with a limit on memory and time. See load_process.py for what the child does.
"""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tinyops.environment import bare_environment
from tinyops.serving.errors import ServingError
from tinyops.serving.scenario import Result, Scenario, result_of

SYSTEM = "host, LiteRT"
BOUND_MS = 10.0
"""Latency bound where nobody names one."""

_MEMORY_BYTES = 4 << 30
_ANSWER = "ANSWER "


def host_results(
    tflite: bytes,
    scenarios: Iterable[Scenario],
    bound_ms: float = BOUND_MS,
    *,
    seconds: float = 0.5,
    queries: int = 100,
    seed: int = 0,
    timeout: float = 600.0,
    progress: Callable[[str], object] | None = None,
) -> list[Result]:
    """Measure an int8 model on this host. Times: they do not repeat, and a busy host spoils them.

    Parameters
    ----------
    bound_ms
        Latency bound of the server and multi-stream scenarios.
    seconds, queries
        Each run of the load generator takes at least this long and has at least so many queries.
        Server and multi-stream search, with up to ten runs.
    seed
        Of the random inputs and of the load generator.
    timeout
        Seconds for everything.
    progress
        Called with the name of what is being run.

    Raises
    ------
    ServingError
        The load generator is not installed, the model is refused, or the child died or took too
        long.
    """
    if importlib.util.find_spec("mlperf_loadgen") is None:
        raise ServingError(
            "the load generator is not installed",
            "pip install mlcommons-loadgen (Linux on arm64: built from its source)",
        )
    wanted = list(scenarios)
    with tempfile.TemporaryDirectory(prefix="tinyops-load-") as scratch:
        model = Path(scratch) / "model.tflite"
        model.write_bytes(tflite)
        request = {
            "model": str(model),
            "scenarios": [one.value for one in wanted],
            "bound_ms": bound_ms,
            "seconds": seconds,
            "queries": queries,
            "seed": seed,
            "memory_bytes": _MEMORY_BYTES,
        }
        found = _run_child(request, Path(scratch), timeout, progress)
    return [
        result_of(
            one,
            found[one.value]["value"],
            SYSTEM,
            "host-measured",
            bound_ms,
            found[one.value]["notes"],
        )
        for one in wanted
    ]


def _run_child(
    request: dict[str, Any],
    scratch: Path,
    timeout: float,
    progress: Callable[[str], object] | None,
) -> dict[str, Any]:
    """The child's answer; lines before it say what it does."""
    errors = scratch / "errors.txt"
    child = subprocess.Popen(
        [sys.executable, "-m", "tinyops.serving.load_process", json.dumps(request)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors.open("wb"),
        cwd=scratch,
        env=bare_environment(),
        text=True,
        start_new_session=True,
    )
    assert child.stdout is not None
    late = threading.Event()

    def stop() -> None:
        late.set()
        child.kill()

    timer = threading.Timer(timeout, stop)
    timer.start()
    answer: dict[str, Any] | None = None
    try:
        for line in child.stdout:
            if line.startswith(_ANSWER):
                answer = json.loads(line.removeprefix(_ANSWER))
            elif progress:
                progress(line.strip())
        status = child.wait()
    finally:
        timer.cancel()
        if child.poll() is None:
            child.kill()
            child.wait()
        child.stdout.close()
    if answer is None or status:
        raise ServingError(
            _reason(status, late.is_set(), timeout, errors), "see whether `tinyops fit` takes it"
        )
    if "error" in answer:
        raise ServingError(answer["error"], answer["fix"])
    return answer


def _reason(status: int, late: bool, timeout: float, errors: Path) -> str:
    if late:
        return f"the load generator took longer than {timeout:g} s"
    last = errors.read_text(errors="replace").strip().splitlines()[-1:] or ["no message"]
    how = f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
    return f"the load generator with LiteRT ended with {how}: {last[0]}"
