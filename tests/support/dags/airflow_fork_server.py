"""A process that has imported Airflow and forks itself for every script of the tests.

Importing Airflow and Great Expectations costs about 8 s on two cores, a fork nothing. Airflow's own
LocalExecutor works alike. Standard input: one JSON object a line, {"script",
"arguments", "env", "log"}; standard output: the exit status of each, a line. Only the variables of
Airflow itself must be those that this process was started with: it reads them at import.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import runpy
import signal
import sys
from pathlib import Path
from typing import Any

# What tasks and pages import anyway. TensorFlow is not among them: it starts threads. Great
# Expectations before Airflow, whose logging would show 200 lines of its import.
PRELOADED = (
    "great_expectations",
    "airflow.settings",
    "airflow.dag_processing.dagbag",
    "airflow.api_fastapi.execution_api.app",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "airflow.serialization.serialized_objects",
)


_PR_SET_PDEATHSIG = 1


def serve() -> None:
    """Answer until standard input ends."""
    end_with_parent()
    # What Airflow prints while it is imported is not an answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for name in PRELOADED:
        importlib.import_module(name)
    from airflow import settings

    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(request, settings)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), file=answers, flush=True)


def end_with_parent() -> None:
    """Nothing of a test run that was killed goes on (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _become(request: dict[str, Any], settings: Any) -> None:
    """Run the script in this forked process, and end it."""
    status = 1
    try:
        end_with_parent()
        with Path(request["log"]).open("wb") as log:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        os.environ.clear()
        os.environ.update(request["env"])
        # A connection to the database must not be shared with the parent.
        settings.dispose_orm(do_log=False)
        settings.configure_orm()
        sys.argv = [request["script"], *request["arguments"]]
        runpy.run_path(request["script"], run_name="__main__")
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    serve()
