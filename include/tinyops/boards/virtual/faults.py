"""Faults a virtual board can be told to have. Seeded, so that a failing run can be repeated."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Faults:
    """What goes wrong with bytes from the host to the bootloader.

    power_cut_after: the power goes after so many bytes, once. power_back_after: seconds until it
    is back (None: never by itself). drop, corrupt: probability for each byte.
    """

    power_cut_after: int | None = None
    power_back_after: float | None = 2.0
    drop: float = 0.0
    corrupt: float = 0.0
    seed: int = 0


class FaultyLine:
    """Passes bytes on as the faults let it."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._random = random.Random(faults.seed)
        self._left = faults.power_cut_after

    def passed(self, data: bytes) -> tuple[bytes, bool]:
        """(what arrives, whether the power went at its end)."""
        cut = False
        if self._left is not None:
            cut = len(data) >= self._left
            data = data[: self._left]
            self._left = None if cut else self._left - len(data)
        if self._faults.drop or self._faults.corrupt:
            data = bytes(self._disturbed(data))
        return data, cut

    def _disturbed(self, data: bytes) -> list[int]:
        arrived = []
        for byte in data:
            if self._random.random() < self._faults.drop:
                continue
            if self._random.random() < self._faults.corrupt:
                byte ^= 1 << self._random.randrange(8)
            arrived.append(byte)
        return arrived
