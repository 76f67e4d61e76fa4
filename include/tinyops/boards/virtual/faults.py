"""Faults a virtual board can be told to have. Seeded, so that a failing run can be repeated."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

Loss = Literal["power", "plug"]


@dataclass(frozen=True)
class Faults:
    """What goes wrong on the way from the host to the bootloader.

    Parameters
    ----------
    power_cut_after, unplug_after
        After so many bytes the power goes, or somebody pulls the plug; once.
    power_back_after
        Seconds until power or plug are back; None: never by themselves.
    drop, corrupt, delay
        Probability for each byte: it is lost, one of its bits is wrong, or it and all behind it
        come `delay_seconds` late.
    storm_after, storm_bytes
        From so many bytes on, so many arrive damaged: a bootloader that can answers NAK after NAK.
    dead
        The bootloader never answers. The application runs.
    """

    power_cut_after: int | None = None
    unplug_after: int | None = None
    power_back_after: float | None = 2.0
    drop: float = 0.0
    corrupt: float = 0.0
    delay: float = 0.0
    delay_seconds: float = 0.05
    storm_after: int | None = None
    storm_bytes: int = 8192
    dead: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Passed:
    """What becomes of some bytes: (seconds of delay, bytes) in order, and what ends behind them."""

    pieces: list[tuple[float, bytes]]
    loss: Loss | None = None


class FaultyLine:
    """Passes bytes on as the faults let it."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._random = random.Random(faults.seed)
        self.sent = 0
        """Bytes that the host has sent so far."""
        self._losses: dict[Loss, int] = {}
        if faults.power_cut_after is not None:
            self._losses["power"] = faults.power_cut_after
        if faults.unplug_after is not None:
            self._losses["plug"] = faults.unplug_after

    def passed(self, data: bytes) -> Passed:
        """What arrives of `data`."""
        loss = min(self._losses, key=lambda kind: self._losses[kind], default=None)
        if loss is not None and self.sent + len(data) >= self._losses[loss]:
            data = data[: max(0, self._losses.pop(loss) - self.sent)]
        else:
            loss = None
        start, self.sent = self.sent, self.sent + len(data)
        if self._faults.dead:
            return Passed([], loss)
        return Passed(self._disturbed(self._stormed(data, start)), loss)

    def _stormed(self, data: bytes, start: int) -> bytes:
        begin = self._faults.storm_after
        if begin is None:
            return data
        first, last = begin - start, begin + self._faults.storm_bytes - start
        return bytes(
            byte ^ 0x55 if first <= place < last else byte for place, byte in enumerate(data)
        )

    def _disturbed(self, data: bytes) -> list[tuple[float, bytes]]:
        faults, chance = self._faults, self._random.random
        if not (faults.drop or faults.corrupt or faults.delay):
            return [(0.0, data)]
        pieces = [(0.0, bytearray())]
        for byte in data:
            if faults.drop and chance() < faults.drop:
                continue
            if faults.corrupt and chance() < faults.corrupt:
                byte ^= 1 << self._random.randrange(8)
            if faults.delay and chance() < faults.delay:
                pieces.append((faults.delay_seconds, bytearray()))
            pieces[-1][1].append(byte)
        return [(delay, bytes(piece)) for delay, piece in pieces]
