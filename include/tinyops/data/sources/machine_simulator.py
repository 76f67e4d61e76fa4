"""The source `machine_simulator`: labelled recordings of simulated motors, and it says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from tinyops.data.recording import Recording
from tinyops.data.sources.machine import FAULTS, Machine, Scenario, draw_machine
from tinyops.data.sources.vibration import record
from tinyops.projects import Project

_FIRST_DAY = datetime(2025, 1, 1, tzinfo=UTC)
_FLEET, _REPLAY = 1, 2
_SIZES = {"small": (60, 2.0), "full": (120, 2.5)}


@dataclass(frozen=True)
class MachineSimulator:
    """Simulated motors of a project with one acceleration channel."""

    project: Project

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
        labels: Sequence[str] = ("normal", *FAULTS),
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
        for number in range(start_machine, start_machine + machines):
            rng = np.random.default_rng([seed, _FLEET, number])
            machine = draw_machine(f"sim{seed}_m{number:04d}", rng)
            for label in labels:
                start = _FIRST_DAY + timedelta(hours=number, minutes=10 * labels.index(label))
                name = f"{machine.machine_id}_{label}"
                yield self._record(machine, label, name, seconds, start, scenario, rng)

    def replay(
        self,
        seed: int,
        *,
        seconds: float = 3.0,
        scenario: Scenario = Scenario(),  # noqa: B008
    ) -> Iterator[Recording]:
        """An endless stream for virtual sensors, of motors that are in no batch."""
        number = 0
        while True:
            rng = np.random.default_rng([seed, _REPLAY, number])
            machine = draw_machine(f"sim{seed}_r{number:04d}", rng)
            for label in ("normal", *FAULTS):
                start = _FIRST_DAY + timedelta(minutes=number)
                name = f"{machine.machine_id}_{label}"
                yield self._record(machine, label, name, seconds, start, scenario, rng)
            number += 1

    def _record(
        self,
        machine: Machine,
        label: str,
        name: str,
        seconds: float,
        start: datetime,
        scenario: Scenario,
        rng: np.random.Generator,
    ) -> Recording:
        signal = self.project.signal
        load = float(rng.uniform(0.0, 1.0))
        # A motor slips under load and its drive is set anew for every job.
        speed = machine.speed_hz * float(rng.uniform(0.95, 1.05)) * (1 - 0.03 * load)
        samples = round(seconds * signal.rate_hz)
        wave = record(machine, label, signal.rate_hz, samples, load, speed, scenario, rng)
        return Recording(
            recording_id=name,
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
