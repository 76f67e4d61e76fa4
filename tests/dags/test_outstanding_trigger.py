"""The trigger that watches S3, against the real server, which also goes away and comes back."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.airflow_runs import airflow_env
from tests.support.checkout import ROOT
from tinyops.local.swift import EmbeddedS3
from tinyops.store import Consumer, Receipt, Store, layout, receipts

pytestmark = pytest.mark.slow

PROJECT = "motor_health"
PATIENCE = 60.0
"""Seconds until an event must have come; a fast machine needs one or two."""


class Watch:
    """The trigger in a child process; its events and its log lines."""

    def __init__(self, env: dict[str, str], apart: float, repeat: float) -> None:
        script = ROOT / "tests" / "support" / "dags" / "watch.py"
        self.process = subprocess.Popen(
            [sys.executable, str(script), PROJECT, str(apart), str(repeat)],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.events: queue.Queue[dict[str, Any]] = queue.Queue()
        self.log: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            if line.startswith("EVENT "):
                self.events.put(json.loads(line.removeprefix("EVENT ")))
            else:
                self.log.put(line)

    def next(self) -> list[str]:
        """Ids of the next event."""
        ids: list[str] = self.events.get(timeout=PATIENCE)["ids"]
        return ids

    def silent(self, seconds: float) -> bool:
        """Whether nothing is yielded for a while."""
        try:
            self.events.get(timeout=seconds)
        except queue.Empty:
            return self.process.poll() is None
        return False

    def until_logged(self, text: str) -> None:
        """Wait for a log line."""
        while text not in self.log.get(timeout=PATIENCE):
            pass

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def watch(store: Store, tmp_path: Path) -> Iterator[Any]:
    """Starts watches on the test's bucket and stops them."""
    started = []

    def start(apart: float = 0.0, repeat: float = 3600.0, **more: str) -> Watch:
        fast = {"TINYOPS_POLL_SECONDS": "0.2", "TINYOPS_BUCKET": store.bucket}
        started.append(Watch(airflow_env(tmp_path, **{**fast, **more}), apart, repeat))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def arrive(store: Store, batch: str) -> None:
    """A complete batch, as far as the watcher can see."""
    store.put(layout.batch_recordings(PROJECT, batch), b"recordings")
    store.put_json(layout.batch_ready(PROJECT, batch), {"batch": batch})


def handle(store: Store, batch: str) -> None:
    """What ingest does last."""
    receipts.write(store, PROJECT, Receipt(Consumer.INGEST, batch, "done"))


def test_yields_once_for_what_is_new_and_never_for_what_is_handled(
    store: Store, watch: Any
) -> None:
    arrive(store, "old")
    handle(store, "old")
    store.put(layout.batch_recordings(PROJECT, "unfinished"), b"recordings")
    watching = watch()
    arrive(store, "first")
    assert watching.next() == ["first"]
    arrive(store, "second")
    assert watching.next() == ["first", "second"]
    handle(store, "first")
    assert watching.silent(1.5), "fewer is nothing new"
    handle(store, "second")
    arrive(store, "third")
    assert watching.next() == ["third"]


def test_announces_again_what_stays_outstanding(store: Store, watch: Any) -> None:
    arrive(store, "stuck")
    watching = watch(repeat=0.5)
    assert [watching.next() for _ in range(3)] == [["stuck"]] * 3


def test_gathers_what_arrives_shortly_after_an_event(store: Store, watch: Any) -> None:
    arrive(store, "first")
    watching = watch(apart=4.0)
    assert watching.next() == ["first"]
    handle(store, "first")
    for batch in ("second", "third"):
        arrive(store, batch)
    assert watching.next() == ["second", "third"]


def test_survives_an_outage(tmp_path: Path, watch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server = EmbeddedS3(tmp_path / "state", die_with_parent=True)
    server.start()
    try:
        for name, value in server.env().items():
            monkeypatch.setenv(name, value)
        store = Store.from_env()
        watching = watch(**server.env())
        arrive(store, "before")
        assert watching.next() == ["before"]
        server.stop()
        watching.until_logged("cannot look for work")
        server.start()
        watching.until_logged("S3 answers again")
        assert watching.silent(0.5), "an outage makes nothing new"
        arrive(store, "after")
        assert watching.next() == ["before", "after"]
    finally:
        server.stop()
