"""Kinematics of a rolling bearing: which fault repeats how often per turn of the shaft."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Bearing:
    """Geometry of a ball bearing with a turning inner race.

    Parameters
    ----------
    balls
        Number of balls.
    ratio
        Ball diameter over pitch diameter.
    contact_angle
        Radians.
    """

    balls: int
    ratio: float
    contact_angle: float

    @property
    def _effective(self) -> float:
        return self.ratio * math.cos(self.contact_angle)

    @property
    def cage(self) -> float:
        """FTF per shaft turn: (1 - d/D cos a) / 2 (Randall and Antoni 2011, MSSP 25, eq. 3)."""
        return (1 - self._effective) / 2

    @property
    def outer_race(self) -> float:
        """BPFO per shaft turn: n/2 (1 - d/D cos a) (Randall and Antoni 2011, eq. 1)."""
        return self.balls * (1 - self._effective) / 2

    @property
    def inner_race(self) -> float:
        """BPFI per shaft turn: n/2 (1 + d/D cos a) (Randall and Antoni 2011, eq. 2)."""
        return self.balls * (1 + self._effective) / 2

    @property
    def ball(self) -> float:
        """Twice BSF per shaft turn: D/d (1 - (d/D cos a)^2) (Randall and Antoni 2011, eq. 4).

        Twice, since a spot on a ball strikes each race once per turn of the ball.
        """
        return (1 - self._effective**2) / self.ratio

    def impacts_per_turn(self, fault: str) -> float:
        """Impacts per shaft turn of `inner_race`, `outer_race` or `ball`."""
        return {
            "inner_race": self.inner_race,
            "outer_race": self.outer_race,
            "ball": self.ball,
        }[fault]
