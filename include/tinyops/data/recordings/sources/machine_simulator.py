"""The source `machine_simulator`: labelled recordings of simulated motors, and it says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count

import numpy as np
from numpy.typing import NDArray

from tinyops.data.recordings.recording import Recording
from tinyops.data.recordings.sources.machine import FAULTS, Machine, Scenario, draw_machine
from tinyops.data.recordings.sources.sound import hear
from tinyops.data.recordings.sources.surroundings import draw_surroundings
from tinyops.data.recordings.sources.vibration import record
from tinyops.errors import TinyOpsError
from tinyops.projects import Project

_FIRST_DAY = datetime(2025, 1, 1, tzinfo=UTC)
_SIZES = {"small": (60, 2.0), "full": (120, 2.5)}
_CHANGED_SIZES = {"small": (30, 2.0), "full": (60, 2.5)}
# Families of motors: first word of their seeds, letter of their names. They share no motor.
_FLEET, _REPLAY, _CHANGED = (1, "m"), (2, "r"), (3, "c")
_LABELS = ("normal", *FAULTS)
CHANGED = Scenario(speed=0.6, load=0.6)
"""The change of the world that virtual boards can show: motors turn slower and carry more."""

Sense = Callable[
    [str, float, int, float, float, Scenario, np.random.Generator], NDArray[np.float32]
]
"""One motor's recording from (label, rate_hz, samples, load, speed_hz, scenario, rng)."""


class SimulatorError(TinyOpsError):
    """The project asks for what the simulator does not have."""


@dataclass(frozen=True)
class MachineSimulator:
    """Simulated motors of a project with one channel; `pickup` says what senses them.

    The option `pickup` is `piezo` (acceleration of the housing, the default) or `microphone` (sound
    pressure beside the motor). The motors of a seed are the same for both.
    """

    project: Project

    @property
    def pickup(self) -> str:
        """How the motors are sensed.

        Raises
        ------
        SimulatorError
            No such pickup.
        """
        named = str(self.project.source.options.get("pickup", "piezo"))
        if named not in _PICKUPS:
            raise SimulatorError(
                f"{self.project.name}: source.options.pickup: no pickup {named!r}",
                f"use one of: {', '.join(sorted(_PICKUPS))}",
            )
        return named

    def recordings(self, seed: int, size: str = "small", batch: int = 0) -> Iterator[Recording]:
        """One batch of labelled recordings; every batch number has motors of its own."""
        machines, seconds = _SIZES[size]
        return self.generate(
            seed, machines=machines, seconds=seconds, start_machine=batch * machines
        )

    def generate(
        self,
        seed: int,
        *,
        machines: int,
        seconds: float,
        start_machine: int = 0,
        scenario: Scenario = Scenario(),  # noqa: B008 - frozen
        labels: Sequence[str] = _LABELS,
    ) -> Iterator[Recording]:
        """Record each motor once with each label, as on a test bench.

        Parameters
        ----------
        machines, start_machine
            How many motors, and the number of the first.
        seconds
            Length of each recording.
        scenario
            A change of the world that all of them undergo.
        """
        numbers = range(start_machine, start_machine + machines)
        return self._tested(seed, _FLEET, numbers, seconds, scenario, labels)

    def changed_recordings(self, seed: int, size: str = "small") -> Iterator[Recording]:
        """What a technician would bring from the changed world: every motor with every label."""
        machines, seconds = _CHANGED_SIZES[size]
        return self._tested(seed, _CHANGED, range(machines), seconds, CHANGED, _LABELS)

    def replay(self, seed: int, changed: bool = False) -> Iterator[Recording]:
        """An endless round of motors that are in no batch, as with an instrument in the hand.

        Each recording is one window long, of another motor in a state drawn at random.
        """
        seconds = self.project.signal.window / self.project.signal.rate_hz
        scenario = CHANGED if changed else Scenario()
        for number in count():
            machine, sense, rng = self._machine(seed, _REPLAY, number)
            label = str(rng.choice(_LABELS))
            start = _FIRST_DAY + timedelta(minutes=number)
            yield self._record(machine, sense, label, seconds, start, scenario, rng)

    def _tested(
        self,
        seed: int,
        family: tuple[int, str],
        numbers: Iterable[int],
        seconds: float,
        scenario: Scenario,
        labels: Sequence[str],
    ) -> Iterator[Recording]:
        for number in numbers:
            machine, sense, rng = self._machine(seed, family, number)
            for label in labels:
                start = _FIRST_DAY + timedelta(hours=number, minutes=10 * labels.index(label))
                yield self._record(machine, sense, label, seconds, start, scenario, rng)

    def _machine(
        self, seed: int, family: tuple[int, str], number: int
    ) -> tuple[Machine, Sense, np.random.Generator]:
        word, letter = family
        rng = np.random.default_rng([seed, word, number])
        machine = draw_machine(f"sim{seed}_{letter}{number:04d}", rng)
        return machine, _PICKUPS[self.pickup](machine, rng), rng

    def _record(
        self,
        machine: Machine,
        sense: Sense,
        label: str,
        seconds: float,
        start: datetime,
        scenario: Scenario,
        rng: np.random.Generator,
    ) -> Recording:
        signal = self.project.signal
        load = scenario.load + (1 - scenario.load) * float(rng.uniform(0.0, 1.0))
        # A motor slips under load and its drive is set anew for every job.
        speed = machine.speed_hz * float(rng.uniform(0.95, 1.05)) * (1 - 0.03 * load)
        samples = round(seconds * signal.rate_hz)
        wave = sense(label, signal.rate_hz, samples, load, speed, scenario, rng)
        return Recording(
            recording_id=f"{machine.machine_id}_{label}",
            machine_id=machine.machine_id,
            device_id=f"simulated-{machine.machine_id}",
            sensor=self.project.sensor,
            recorded_at=start,
            rate_hz=signal.rate_hz,
            channels=tuple(signal.channels),
            unit=signal.unit,
            signal=wave[None, :],
            label=label,
            conditions={
                "speed_rpm": f"{speed * scenario.speed * 60:.0f}",
                "load": f"{load:.2f}",
                "simulated": "true",
            },
        )


def _piezo(machine: Machine, _: np.random.Generator) -> Sense:
    return partial(record, machine)


def _microphone(machine: Machine, rng: np.random.Generator) -> Sense:
    return partial(hear, machine, draw_surroundings(rng))


_PICKUPS: dict[str, Callable[[Machine, np.random.Generator], Sense]] = {
    "piezo": _piezo,
    "microphone": _microphone,
}
