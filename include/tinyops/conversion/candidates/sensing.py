"""Let an emulated device read golden windows from its sensor, as it reads the world."""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyops.boards.link import Decision, Link, LinkClosed, LinkTimeout
from tinyops.emulation import Chip

# SENSOR_REQUEST of link.h: kind, tag, frames.
_REQUEST = struct.Struct("<BBH")


@dataclass(frozen=True, eq=False)
class Sensed:
    """What the sensor gives and what the device has to count of it.

    Parameters
    ----------
    samples
        int16 [N, C].
    windows
        How many windows the device decides of them; the last one is counted.
    frame
        The frame that is being filled afterwards, 48 bytes.
    """

    samples: NDArray[np.int16]
    windows: int
    frame: bytes


def golden_samples(
    golden: NDArray[np.int16], hop: int, every: int, frame_windows: int
) -> tuple[NDArray[np.int16], int]:
    """Golden windows [n, W, C] one after the other, and how many windows they make.

    So much of them that the last window is a counted one and one frame is not yet full.
    """
    window = golden.shape[1]
    samples = golden.reshape(-1, golden.shape[2])
    counted = ((len(samples) - window) // hop) // every + 1
    windows = 1 + (min(counted, max(frame_windows - 1, 1)) - 1) * every
    return samples[: window + (windows - 1) * hop], windows


def sense(chip: Chip, link: Link, sensed: Sensed, timeout: float, quiet: float) -> Decision:
    """Play the sensor, one window after the other.

    Parameters
    ----------
    timeout
        Seconds for one window.
    quiet
        Seconds in which the last one is surely decided: a byte that arrives meanwhile interrupts
        the device, and its instructions would be taken for the window's.

    Raises
    ------
    LinkTimeout
        The device does not ask for samples, or does not decide them.
    """
    at = 0
    for number in range(1, sensed.windows + 1):
        tag, frames = _asked(chip, number, timeout)
        block = np.ascontiguousarray(sensed.samples[at : at + frames], "<i2").tobytes()
        chip.shared_ram[: len(block)] = block
        chip.uart1.sendall(bytes((tag,)))
        at += frames
        if number == sensed.windows:
            time.sleep(quiet)
        decision = _decided(link, number, timeout)
    return decision


def _asked(chip: Chip, number: int, timeout: float) -> tuple[int, int]:
    chip.uart1.settimeout(timeout)
    request = b""
    try:
        # With a timeout MSG_WAITALL may still give less.
        while len(request) < _REQUEST.size:
            more = chip.uart1.recv(_REQUEST.size - len(request))
            if not more:
                raise LinkClosed("the line is closed", "start the board again")
            request += more
    except TimeoutError:
        raise LinkTimeout(
            f"no samples were asked for window {number} in {timeout:g} s",
            "check the firmware's sampling",
        ) from None
    _, tag, frames = _REQUEST.unpack(request)
    return tag, frames


def _decided(link: Link, number: int, timeout: float) -> Decision:
    deadline = time.monotonic() + timeout
    while (found := link.decision(timeout)).windows < number:
        if time.monotonic() > deadline:
            raise LinkTimeout(
                f"window {number} was not decided in {timeout:g} s", "check the firmware's sampling"
            )
    return found
