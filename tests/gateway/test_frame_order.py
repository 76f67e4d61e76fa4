"""Which boot a frame is of and which windows it counted, from a 16-bit counter and two flags."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.support.gateway.frame_device import HEADER, frame, resealed
from tinyops.boards import messages
from tinyops.boards.messages import Hello
from tinyops.gateway.frame_order import FrameRefused, Position, place
from tinyops.sketches.frames import FIRST, LOST, SATURATED, tag_byte

NOW = 1_790_000_000


def hello(windows: int = 10**6, **header: object) -> Hello:
    numbers = (0, 0, 0, 0, windows, 0, 0, 0, 0, 0, 1, 1, 1, 0, 255, 0, bytes(8))
    changed = replace(HEADER, **header)  # type: ignore[arg-type]
    return Hello.parse(changed.pack() + messages._HELLO.pack(*numbers))


def at(window: int, epoch: int = NOW - 100) -> Position:
    return Position("deadbeef", epoch, window, 16, frame(HEADER, window))


def test_the_first_frame_of_all_begins_an_epoch_wherever_it_is() -> None:
    data = frame(HEADER, 4800)
    assert place(data, hello(), None, NOW) == Position("deadbeef", NOW, 4800, 16, data)


def test_the_counter_is_unwrapped_within_the_epoch() -> None:
    last = at(65536 + 65520)
    assert place(frame(HEADER, 0), hello(), last, NOW).window == 2 * 65536
    assert place(frame(HEADER, 16), hello(), last, NOW).window == 2 * 65536 + 16
    assert place(frame(HEADER, 0), hello(), last, NOW).epoch == last.epoch


@pytest.mark.parametrize(
    ("data", "seen"),
    [
        (frame(HEADER, 0, FIRST), hello()),
        (frame(HEADER, 200, FIRST), hello()),
        (frame(HEADER, 32, LOST), hello()),
        (frame(HEADER, 32), hello(windows=48)),
        (frame(HEADER, 200), hello(image_crc32=1)),
    ],
    ids=["says so", "though ahead", "first one lost", "fewer windows", "another image"],
)
def test_a_boot_begins_an_epoch(data: bytes, seen: Hello) -> None:
    found = place(data, seen, at(100), NOW)
    assert found.epoch == NOW
    assert found.window < 300
    assert place(data, seen, at(100, epoch=NOW + 50), NOW).epoch == NOW + 51


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (at(100).frame, "duplicate"),
        (frame(HEADER, 84), "replayed or reordered"),
        (frame(HEADER, 100, n=8), "overlaps the one before"),
        (frame(HEADER, 115), "overlaps the one before"),
        (frame(HEADER, 116, model=0x5B), "another model or reference"),
        (frame(HEADER, 116, reference=tag_byte("other")), "another model or reference"),
        (frame(HEADER, 116)[:-1] + b"\0", "damaged"),
        (b"", "damaged"),
        (resealed(frame(HEADER, 116), 7, 17), "impossible counts"),
        (resealed(frame(HEADER, 116), 39, 15), "impossible counts"),
    ],
)
def test_what_cannot_come_next_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(FrameRefused, match=f"^{reason}$"):
        place(data, hello(), at(100), NOW)


def test_a_saturated_frame_is_kept_for_the_judge_to_see() -> None:
    assert place(frame(HEADER, 116, SATURATED), hello(), at(100), NOW).window == 116


def test_any_life_of_a_device_is_put_together_again() -> None:
    chance = random.Random(8)
    last, now = None, NOW
    for _ in range(60):  # boots
        window, kept, epoch = 0, 0, None
        first = True
        for _ in range(chance.randint(1, 40)):
            skipped = chance.choice([0, 0, 0, chance.randint(1, 1500)])
            window += 16 * skipped
            flags = (FIRST if first and not skipped else 0) | (LOST if skipped else 0)
            first = False
            now += chance.randint(1, 9)
            found = place(frame(HEADER, window, flags), hello(windows=window + 16), last, now)
            # Without a first frame, a boot whose counter is ahead already cannot be told.
            if epoch is None and (flags & FIRST or last is None or window < last.window):
                assert last is None or found.epoch > last.epoch
            elif epoch is not None:
                assert (found.epoch, found.window - kept) == (epoch, window)
            epoch, kept = found.epoch, found.window - window
            last = found
            window += 16
