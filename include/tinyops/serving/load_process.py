"""The child that runs the load generator: `python -m tinyops.serving.load_process REQUEST`.

It prints what it runs, line by line, and last `ANSWER {scenario: {value, notes}}` or `ANSWER
{error, fix}`. Queries are answered one after the other on the load generator's own thread: one
server, first come first served, as on a board. Latencies count from the scheduled arrival.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tinyops.conversion.images.bare import inputs_for
from tinyops.conversion.tflite.check_inputs import as_type
from tinyops.conversion.tflite.litert import interpreter_of
from tinyops.errors import TinyOpsError
from tinyops.serving.errors import ServingError
from tinyops.serving.scenario import SINGLE_STREAM_PERCENTILE, TAIL_PERCENTILE, Scenario

_SAMPLES = 64
_STEPS = 6
_TYPES = (np.int8, np.uint8, np.float32)
"""Of an int8 model's input, with what a converter puts before it."""
_STEP = 1 / 64
"""Of a float input; how long an answer takes does not depend on it."""
_P99 = "99.00_percentile"


class LoadedModel:
    """An int8 model in LiteRT that answers samples by their number."""

    def __init__(self, tflite: bytes, seed: int) -> None:
        self._interpreter = interpreter_of(tflite)
        given = self._interpreter.get_input_details()
        if len(given) != 1 or given[0]["dtype"] not in _TYPES:
            kinds = ", ".join(f"{one['name']} {one['dtype'].__name__}" for one in given)
            raise ServingError(
                f"the model's inputs are {kinds}", "give an int8 model with one input"
            )
        self._index = given[0]["index"]
        inputs = inputs_for(tuple(given[0]["shape"]), _SAMPLES, seed)
        self._inputs = as_type(inputs, np.dtype(given[0]["dtype"]), _STEP, 0)

    def answer(self, number: int) -> None:
        """Run one sample."""
        self._interpreter.set_tensor(self._index, self._inputs[number])
        self._interpreter.invoke()

    def seconds(self) -> tuple[float, float]:
        """(shortest, mean) of an answer, roughly: where the load generator begins."""
        self.answer(0)
        times: list[float] = []
        while len(times) < 3 or sum(times) < 0.05:
            start = time.perf_counter()
            self.answer(len(times) % _SAMPLES)
            times.append(time.perf_counter() - start)
        return min(times), sum(times) / len(times)


class Load:
    """Runs of the load generator on one model."""

    def __init__(self, model: LoadedModel, request: dict[str, Any]) -> None:
        import mlperf_loadgen

        self._generator: Any = mlperf_loadgen
        self._model = model
        self._request = request
        self._bound = request["bound_ms"] / 1000
        shortest, self._mean = model.seconds()
        # The load generator makes its queries beforehand and ends with an error when it runs out
        # of them (6.0.17), so it is told half of the shortest time.
        self._hint = shortest / 2

    def measure(self, scenario: Scenario) -> dict[str, Any]:
        """{value, notes} of a scenario."""
        notes = [
            "one thread, TFLite's built-in kernels without XNNPACK, random inputs",
            f"MLCommons LoadGen, at least {self._request['seconds']:g} s and "
            f"{self._request['queries']} queries a run: shorter than its rules ask for",
        ]
        value, more = {
            Scenario.SINGLE_STREAM: self._single_stream,
            Scenario.MULTI_STREAM: self._multi_stream,
            Scenario.SERVER: self._server,
            Scenario.OFFLINE: self._offline,
        }[scenario]()
        return {"value": value, "notes": [*notes, *more]}

    def _single_stream(self) -> tuple[float, list[str]]:
        found = self._run(
            "SingleStream",
            single_stream_expected_latency_ns=max(1, int(self._hint * 1e9)),
            single_stream_target_latency_percentile=SINGLE_STREAM_PERCENTILE,
        )
        return found["result_90.00_percentile_latency_ns"] / 1e6, _queries(found)

    def _offline(self) -> tuple[float, list[str]]:
        found = self._run("Offline", offline_expected_qps=1 / self._mean)
        return found["result_samples_per_second"], []

    def _multi_stream(self) -> tuple[float, list[str]]:
        # As in the rules: a binary search over whole numbers. The latency grows with N, so the
        # search looks at few of them.
        low, high, notes = 0, max(2, int(1.5 * self._bound / self._mean) + 1), ["no run held it"]
        while high - low > 1:
            streams = (low + high) // 2
            found = self._run(
                "MultiStream",
                multi_stream_samples_per_query=streams,
                multi_stream_expected_latency_ns=max(1, int(streams * self._hint * 1e9)),
                multi_stream_target_latency_percentile=TAIL_PERCENTILE,
            )
            if found[f"result_{_P99}_per_query_latency_ns"] <= self._bound * 1e9:
                low, notes = streams, _queries(found)
            else:
                high = streams
        return low, notes

    def _server(self) -> tuple[float, list[str]]:
        low, high, notes = 0.0, 1 / self._mean, ["no run held it"]
        for _ in range(_STEPS):
            rate = (low + high) / 2
            found = self._run(
                "Server",
                server_target_qps=rate,
                server_target_latency_ns=int(self._bound * 1e9),
                server_target_latency_percentile=TAIL_PERCENTILE,
            )
            if found[f"result_{_P99}_latency_ns"] <= self._bound * 1e9:
                low, notes = rate, _queries(found)
            else:
                high = rate
        return low, [*notes, f"binary search, {_STEPS} runs"]

    def _run(self, scenario: str, **settings: Any) -> dict[str, Any]:
        """One run; the load generator's own figures by name."""
        generator = self._generator
        wanted = generator.TestSettings()
        wanted.scenario = getattr(generator.TestScenario, scenario)
        wanted.mode = generator.TestMode.PerformanceOnly
        wanted.min_duration_ms = int(1000 * self._request["seconds"])
        wanted.min_query_count = self._request["queries"]
        for name in ("qsl_rng_seed", "sample_index_rng_seed", "schedule_rng_seed"):
            setattr(wanted, name, self._request["seed"])
        for name, value in settings.items():
            setattr(wanted, name, value)
        with tempfile.TemporaryDirectory() as folder:
            log, output = generator.LogSettings(), generator.LogOutputSettings()
            output.outdir = folder
            log.log_output, log.enable_trace = output, False
            system = generator.ConstructFastSUT(self._issue, lambda: None)
            library = generator.ConstructQSL(_SAMPLES, _SAMPLES, _ignore, _ignore)
            try:
                generator.StartTestWithLogSettings(system, library, wanted, log, "")
            finally:
                generator.DestroyQSL(library)
                generator.DestroyFastSUT(system)
            return _figures(Path(folder) / "mlperf_log_detail.txt")

    def _issue(self, queries: list[int], samples: list[int]) -> None:
        for query, sample in zip(queries, samples, strict=True):
            self._model.answer(sample)
            response = self._generator.QuerySampleResponse(query, 0, 0)
            self._generator.QuerySamplesComplete([response])


def _ignore(_: list[int]) -> None:
    """The samples are in memory all the time."""


def _figures(log: Path) -> dict[str, Any]:
    rows = [line for line in log.read_text().splitlines() if line.startswith(":::MLLOG ")]
    entries = [json.loads(row.removeprefix(":::MLLOG ")) for row in rows]
    found = {entry["key"]: entry["value"] for entry in entries}
    if found.get("num_errors", 0):
        said = [entry["value"] for entry in entries if entry["key"].startswith("error")]
        raise ServingError(f"the load generator reports {found['num_errors']} errors: {said[:1]}")
    return found


def _queries(found: dict[str, Any]) -> list[str]:
    return [f"{found['result_query_count']} queries in the run that counts"]


def answer_of(request: dict[str, Any], say: Callable[[str], object]) -> dict[str, Any]:
    """What is printed for a request."""
    try:
        load = Load(LoadedModel(Path(request["model"]).read_bytes(), request["seed"]), request)
        found = {}
        for name in request["scenarios"]:
            say(name)
            found[name] = load.measure(Scenario(name))
        return found
    except TinyOpsError as error:
        return {"error": error.message, "fix": error.fix}


def main() -> None:
    """Read the request, limit memory, keep native chatter out of the answer."""
    request = json.loads(sys.argv[1])
    limit = request["memory_bytes"]
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    answer = answer_of(request, lambda line: print(line, file=out))
    print("ANSWER " + json.dumps(answer), file=out)


if __name__ == "__main__":
    main()
