"""A device that stops to report becomes a question, once."""

from __future__ import annotations

from datetime import timedelta

from tests.support.frame_makers import DEVICE, NOW, send
from tests.support.reference_maker import count_frames, release_reference
from tinyops.monitoring.compaction import compact_frames
from tinyops.monitoring.judge import judge
from tinyops.monitoring.requests import ask_for_labels
from tinyops.monitoring.silence import silent_devices
from tinyops.projects import load_project
from tinyops.store import Store

PROJECT = load_project("motor_health")


def test_no_frames_for_a_day_is_a_verdict_and_not_a_drift(store: Store) -> None:
    release_reference(store, PROJECT.name)
    send(store, count_frames(1, 4, shift=6.0))
    compact_frames(store, PROJECT)
    assert silent_devices(store, PROJECT.name, NOW) == [], "nothing was judged yet"
    [verdict] = judge(store, PROJECT, now=NOW)
    assert verdict.status == "data drift"

    def silent(**later: float) -> list[str]:
        return silent_devices(store, PROJECT.name, NOW + timedelta(**later))

    assert silent(hours=23) == []
    assert silent(hours=25) == [DEVICE]
    assert silent(days=8) == [], "beyond what the judge looks at"

    [verdict] = judge(store, PROJECT, now=NOW + timedelta(hours=25))

    assert verdict.status == "unknown"
    assert verdict.reason.startswith(f"no frames since {NOW:%Y-%m-%d}")
    assert ask_for_labels(store, PROJECT, [verdict], lambda _: None) == []  # type: ignore[arg-type]
    assert silent(hours=25) == silent(hours=50) == silent(days=3) == []


def test_a_device_that_is_back_is_judged_again(store: Store) -> None:
    release_reference(store, PROJECT.name)
    send(store, count_frames(1, 4))
    compact_frames(store, PROJECT)
    judge(store, PROJECT, now=NOW + timedelta(hours=25))
    send(store, count_frames(2, 4, first=4), seq=2)
    compact_frames(store, PROJECT)
    [verdict] = judge(store, PROJECT, now=NOW)
    assert (verdict.status, verdict.frames["first_window"]) == ("none", 256)
