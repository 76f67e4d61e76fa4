"""The story's picture: what happened on the wall's clock stands at the device's own time."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import matplotlib.image
import pytest
from matplotlib.colors import to_rgb

from tests.support.candidate_maker import put_candidate
from tests.support.label_requests import request_labels
from tinyops.errors import TinyOpsError
from tinyops.monitoring.clock import DeviceClock, window_seconds
from tinyops.monitoring.picture import STATUS_COLOURS, Happening, Measured
from tinyops.monitoring.story import ANSWERED, ASKED, ATTESTED, read_story, story_picture
from tinyops.monitoring.table import Row, replace_table
from tinyops.projects import load_project
from tinyops.sketches.frames import FrameRecord, SketchFrame
from tinyops.store import Consumer, Receipt, Store, edge_layout, layout, receipts

PROJECT, DEVICE = "motor_health", "motor-1"
BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)
N, FRAMES = 64, 12
OLD, NEW = "20260301T070000Z-aaaaaa", "20260301T090000Z-bbbbbb"
STEP = window_seconds(load_project(PROJECT))
SET = 4 * N * STEP


def at(minutes: float) -> str:
    return (BEGIN + timedelta(minutes=minutes)).isoformat()


def frame(epoch: int, number: int, received: str, device: str = DEVICE) -> FrameRecord:
    row = (N // 8,) * 8
    sketch = SketchFrame(1, 2, N * number, N, 0, (row,) * 3, (0,) * 3, row, row)
    return FrameRecord(
        PROJECT, "line-3", device, "nano33ble-sense", "nano33ble-sense-qemu-virtual", OLD,
        "ab" * 32, "0123456789ab", epoch, N * number, received, True, sketch.pack(),
    )  # fmt: skip


def frames() -> list[FrameRecord]:
    """Twelve frames a minute apart, a reboot two minutes later, four more."""
    first = [frame(7, number, at(number + 1)) for number in range(FRAMES)]
    return first + [frame(9, number, at(FRAMES + 2 + number)) for number in range(4)]


@pytest.fixture
def told(store: Store) -> Store:
    """A store with all that happened to the device, and a little that happened to another."""
    rows = [Row(one, f"2026-03-01_line-3_{1:012d}") for one in frames()]
    rows.append(Row(frame(7, 0, at(1), "motor-2"), rows[0].file))
    replace_table(store, PROJECT, "2026-03-01", "line-3", rows)
    said = [(7, 0, "none"), (7, 1, "none"), (7, 2, "none"), (7, 2, "data drift"), (9, 0, "unknown")]
    for number, (epoch, place, status) in enumerate(said):
        estimate = {"value": 0.9, "low": 0.85, "high": 0.95} if status != "unknown" else None
        frames_of = {"epoch": epoch, "first_window": 4 * N * place, "n": 4}
        verdict = {
            "device": DEVICE,
            "at": at(9 + number),
            "status": status,
            "frames": frames_of | {"last_window": 4 * N * (place + 1) - 1},
            "estimated_accuracy": estimate,
        }
        store.put_json(layout.verdict(PROJECT, f"v{number}"), verdict)
    for number, (minutes, version) in enumerate([(0, OLD), (13, NEW), (14, NEW)]):
        event = {"kind": "attested", "project": PROJECT, "device": DEVICE, "version": version}
        store.put_json(
            edge_layout.gateway_event("line-3", f"e{number}"), event | {"at": at(minutes)}
        )
    request_labels(store, PROJECT, "r1", device=DEVICE, at=datetime.fromisoformat(at(12)))
    receipts.write(store, PROJECT, Receipt(Consumer.ANSWER, "r1", "done", "d2", at=at(12)))
    pair = {"champion": {"accuracy": 0.6}, "challenger": {"accuracy": 0.9}}
    for version, new, champion in ((OLD, None, None), (NEW, pair, {"accuracy": 0.8})):
        scores = {"int8": {"accuracy": 0.94}, "champion": champion, "new_condition": new}
        put_candidate(store, PROJECT, version, scores=scores)
        store.put_json(layout.release_manifest(PROJECT, version), {"candidate": version})
    return store


def test_epochs_are_put_end_to_end() -> None:
    clock = DeviceClock.of(reversed(frames()), STEP)
    assert clock.counted_at(7, 3 * N) == pytest.approx(3 * N * STEP)
    assert clock.counted_at(9, N) == pytest.approx((FRAMES + 1) * N * STEP)


def test_a_moment_lies_between_the_frames_around_it() -> None:
    clock = DeviceClock.of(frames(), STEP)
    assert clock.beside(at(0)) == 0
    assert clock.beside(at(2.5)) == pytest.approx(2.5 * N * STEP)
    assert clock.beside(at(FRAMES + 1)) == pytest.approx((FRAMES + 0.5) * N * STEP)
    assert clock.beside(at(1000)) == pytest.approx(16 * N * STEP)
    assert clock.beside("2026-03-01T10:02:30+02:00") == clock.beside(at(2.5))


def test_the_story_has_every_event_once_at_its_time(told: Store) -> None:
    story = read_story(told, load_project(PROJECT), DEVICE, frames())
    assert story.virtual
    assert "simulated" in story.subtitle
    assert "virtual" in story.subtitle
    spans = [(each.start, each.end, each.status) for each in story.verdicts]
    words = ["none", "none", "data drift", "unknown"]
    assert spans == [
        (pytest.approx(k * SET), pytest.approx((k + 1) * SET), word) for k, word in enumerate(words)
    ]
    half = (FRAMES + 0.5) * N * STEP
    assert sorted(story.happenings, key=lambda each: (each.at, each.lane)) == [
        Happening(0.0, ATTESTED, "aaaaaa"),
        Happening(pytest.approx(3 * SET), ASKED, "data drift, 120 recordings"),
        Happening(pytest.approx(3 * SET), ANSWERED, ""),
        Happening(pytest.approx(half), ATTESTED, "bbbbbb"),
    ]
    assert story.measured == [
        Measured(0.0, 0.94, "on the test part", False),
        Measured(pytest.approx(3 * SET), 0.6, "on the new condition", True),
        Measured(pytest.approx(half), 0.9, "on the new condition", False),
    ]


def test_relabelled_recordings_show_both_models_on_the_test_part(told: Store) -> None:
    key = layout.candidate(PROJECT, NEW) + layout.METRICS
    told.put_json(key, told.get_json(key) | {"new_condition": None})
    story = read_story(told, load_project(PROJECT), DEVICE, frames())
    last = [(each.accuracy, each.text, each.before) for each in story.measured[1:]]
    assert last == [(0.8, "on the test part", True), (0.94, "on the test part", False)]


def test_the_picture_shows_the_verdicts_in_their_colours(told: Store, tmp_path: Path) -> None:
    out = story_picture(told, PROJECT, tmp_path / "new" / "story.png")
    key = layout.story(PROJECT, DEVICE)
    assert told.get(key) == out.read_bytes()
    pixels = matplotlib.image.imread(out)
    assert pixels.shape[:2] == (900, 1600)
    # The row just below the top of the axes, where a band has its full colour.
    row = [tuple(round(float(value), 2) for value in pixel[:3]) for pixel in pixels[129]]
    names = {
        tuple(round(value, 2) for value in to_rgb(colour)): status
        for status, colour in STATUS_COLOURS.items()
    }
    seen = [names[pixel] for pixel in row if pixel in names]
    assert [name for name, _ in itertools.groupby(seen)] == ["none", "data drift", "unknown"]


def test_a_device_without_frames_has_no_story(told: Store, tmp_path: Path) -> None:
    with pytest.raises(TinyOpsError, match="no frames of motor-9"):
        story_picture(told, PROJECT, tmp_path / "story.png", device="motor-9")
    with pytest.raises(TinyOpsError, match="no frames of any device"):
        story_picture(told, "exercise_watch", tmp_path / "story.png")
