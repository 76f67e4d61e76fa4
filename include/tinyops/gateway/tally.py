"""What was done to one board since the gateway started: counters for its metrics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tinyops.gateway.shutdown import Stopped


@dataclass
class Outcomes:
    """How often something was tried, by how it ended."""

    success: int = 0
    failure: int = 0
    stopped: int = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count the block as one try."""
        try:
            yield
        except Stopped:
            self.stopped += 1
            raise
        except BaseException:
            self.failure += 1
            raise
        self.success += 1


@dataclass
class Tally:
    """Written by the device's thread, read by others.

    Parameters
    ----------
    bytes
        Of the images that were written.
    retries
        Pages, frames or blocks of them that had to be written again.
    """

    flashes: Outcomes = field(default_factory=Outcomes)
    attestations: Outcomes = field(default_factory=Outcomes)
    bytes: int = 0
    retries: int = 0
