"""How a model's code is compiled: level of optimisation, and which steps get their own kernel."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tinyops.conversion.images.unit import FLAGS

LEVELS = ("-O2", "-O3")


@dataclass(frozen=True)
class Tuning:
    """`specialised` are numbers of steps (see unit.py)."""

    level: str = "-O3"
    specialised: tuple[int, ...] = ()

    @property
    def flags(self) -> tuple[str, ...]:
        """For gcc."""
        return ("-w", self.level, *FLAGS)

    def to_dict(self) -> dict[str, Any]:
        """JSON content."""
        return {**asdict(self), "specialised": list(self.specialised)}


DEFAULT = Tuning()
"""Counted on the five MLPerf Tiny models: little code, at most 15 % above the best counts. Those
take a search (`tune`, some seconds to a minute), so releases are compiled with this."""
