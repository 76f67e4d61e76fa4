"""This machine's clock compared with the server's: who is blamed when they differ."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from email.utils import formatdate
from pathlib import Path

import pytest

from tests.support.wrong_clock import clock_library
from tinyops.store import Store
from tinyops.store.server_clock import ServerClock

READ = """
from tinyops.store import Store, StoreError
try:
    Store.from_env(attempts=1).get("a")
except StoreError as error:
    print(type(error).__name__, error)
"""


def test_a_store_knows_the_servers_time_after_one_answer(store: Store) -> None:
    store.put("a", b"1")
    assert store.clock.known
    assert abs(store.clock.offset) < 5
    assert not store.clock.off


@pytest.mark.parametrize("seconds", [-50 * 365 * 86400, 86400])
def test_a_refused_signature_is_blamed_on_the_clock_if_it_is_off(
    store: Store, tmp_path: Path, seconds: int
) -> None:
    store.put("a", b"1")
    (tmp_path / "offset").write_text(str(seconds))
    wrong = {"LD_PRELOAD": str(clock_library()), "CLOCK_OFFSET_FILE": str(tmp_path / "offset")}
    done = subprocess.run(
        [sys.executable, "-c", READ],
        env=os.environ | wrong,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("ClockOff this machine's clock is off: "), done.stdout
    assert f"the S3 server's is {time.strftime('%Y-%m-%d %H:', time.gmtime())}" in done.stdout
    assert "timedatectl" in done.stdout


def test_an_old_answer_of_a_cache_does_not_move_the_servers_time() -> None:
    clock = ServerClock()
    clock.note({"date": formatdate(time.time(), usegmt=True)})
    clock.note({"date": formatdate(time.time() - 7200, usegmt=True)}, cacheable=True)
    assert abs(clock.offset) < 5
    clock.note({"date": formatdate(time.time() - 7200, usegmt=True), "age": "7200"})
    assert abs(clock.offset) < 5
    clock.note({"date": formatdate(time.time() - 7200, usegmt=True)})
    assert -7205 < clock.offset < -7195
    assert abs(clock.corrected() - time.time() + 7200) < 5


@pytest.mark.parametrize("headers", [{}, {"date": "soon"}, {"date": ""}, {"date": "0", "age": "x"}])
def test_an_answer_without_a_date_changes_nothing(headers: dict[str, str]) -> None:
    clock = ServerClock()
    clock.note(headers)
    assert (clock.known, clock.offset, clock.off) == (False, 0.0, False)
