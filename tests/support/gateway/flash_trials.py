"""Trials of flashes that are cut off at a random byte, which must leave no board unusable.

A trial brings one release to all boards of a fleet, each of which has attested the one before. On
the way the boards lose power or plug, or the gateway is killed with signal 9 and started again, or
bytes on the wire are damaged. Some of the releases are wrong. Afterwards each board is powered off
and on, and shows by HELLO and SELFTEST what it runs.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.support.gateway.gateway_bench import (
    PROJECT,
    mute,
    release,
    renamed,
    wait_for,
    wrong_golden,
)
from tests.support.gateway.trial_outcome import KILLED, Mishap, Outcome, Quality, summary
from tests.support.gateway.virtual_fleet import Device, VirtualFleet
from tinyops.boards.catalogue import load_board
from tinyops.boards.image import Image
from tinyops.boards.usb import PortIdentity
from tinyops.boards.virtual.faults import Faults
from tinyops.errors import TinyOpsError
from tinyops.gateway.attest import attest
from tinyops.gateway.connection import Connection
from tinyops.gateway.journal import ImageName
from tinyops.releases import paths
from tinyops.store import Store, edge_layout, sha256_hex

QUALITIES: dict[Quality, int] = {
    "good": 14,
    "mute": 2,
    "wrong golden": 2,
    "tampered": 1,
    "another board's": 1,
}
"""How many of twenty releases are such, on average."""
CORRUPT = 1e-4
SETTLED = 180.0
"""Seconds until all boards rest; a Himax board that waits for RESET takes one minute."""


@dataclass
class Trials:
    """Trials on one fleet, in which `commission` comes first. `seed` repeats them."""

    fleet: VirtualFleet
    store: Store
    seed: int
    outcomes: list[Outcome] = field(default_factory=list)
    kills: int = 0

    def __post_init__(self) -> None:
        self._number = 0
        self._sent: dict[str, int] = {}
        self._logits: dict[str, bytes] = {}
        self._connections = {
            device.id: Connection(
                PortIdentity(str(device.board.port), ""),
                load_board(device.image.header.board).protocol.baud,
            )
            for device in self.fleet.devices
        }

    def commission(self) -> list[Outcome]:
        """The first release onto blank boards; how many bytes that takes is measured."""
        outcomes = self.run("none", "good")
        for device in self.fleet.devices:
            self._sent[device.id] = device.board.sent
            with self._connections[device.id].link() as link:
                link.hello(0.4, attempts=20)  # opening the port may have reset it
                self._logits[device.image.header.board] = link.selftest(1).logits.tobytes()
            self._connections[device.id].close()
        return outcomes

    def run(self, mishap: Mishap, quality: Quality | None = None) -> list[Outcome]:
        """One release, good or wrong by chance unless it is said."""
        self._number += 1
        name = f"seed {self.seed}, trial {self._number}, {mishap}"
        chance = random.Random(name)
        chosen: Quality = quality or chance.choices([*QUALITIES], [*QUALITIES.values()])[0]
        faults = {device.id: self._faults(mishap, device, chance) for device in self.fleet.devices}
        for device in self.fleet.devices:
            device.board.arm(faults[device.id])
        images = self._release(f"r{self._number}", chosen)
        self.fleet.gateway.start()
        steps = self._killed(images, chance) if mishap == "kill" else {}
        self._settle(images)
        self.fleet.gateway.stop()
        mishaps = {
            device.id: steps.get(device.id, "") or _befell(device, faults[device.id])
            for device in self.fleet.devices
        }
        self.fleet.power_cycle()
        found = [
            self._outcome(
                name, chosen, device, images[device.image.header.board], mishaps[device.id]
            )
            for device in self.fleet.devices
        ]
        self.outcomes += found
        return found

    def figures(self) -> dict[str, Any]:
        """What all trials came to."""
        return summary(self.outcomes) | {"gateway_kills": self.kills}

    def _faults(self, mishap: Mishap, device: Device, chance: random.Random) -> Faults:
        if mishap == "noise":
            return Faults(corrupt=CORRUPT, seed=chance.getrandbits(32))
        if mishap != "loss":
            return Faults()
        at, back = chance.randint(1, self._sent[device.id]), chance.uniform(0.05, 1.0)
        if chance.random() < 0.6:
            return Faults(power_cut_after=at, power_back_after=back)
        return Faults(unplug_after=at, power_back_after=back)

    def _release(self, version: str, quality: Quality) -> dict[str, Image]:
        """Sign a release for all kinds of boards; its images by kind."""
        bases = {device.image.header.board: device.image for device in self.fleet.devices}
        images = {kind: self._image(base, version, quality) for kind, base in bases.items()}
        release(self.store, *images.values())
        if quality == "tampered":
            for image in images.values():
                path = paths.image(PROJECT, version, image.header.target)
                key = edge_layout.tuf_target(path, sha256_hex(image.bytes))
                self.store.put(key, image.bytes[:-1] + bytes((image.bytes[-1] ^ 1,)))
        return images

    def _image(self, base: Image, version: str, quality: Quality) -> Image:
        if quality == "mute":
            return mute(base, version)
        if quality == "wrong golden":
            return wrong_golden(base, version, self._logits[base.header.board])
        if quality == "another board's":
            return renamed(base, version, board="another-board")
        return renamed(base, version)

    def _killed(self, images: dict[str, Image], chance: random.Random) -> dict[str, str]:
        """Kill the gateway once a random board has got a random number of bytes, or a moment later.

        Returns what each device was in the middle of. The gateway runs again.
        """
        victim = chance.choice(self.fleet.devices)
        # An image that is put back takes as many bytes again.
        at = chance.randint(1, self._sent[victim.id] * chance.choice((1, 1, 2)))
        linger = max(0.0, chance.uniform(-1.0, 1.0))
        wait_for(
            lambda: victim.board.sent >= at or self._resting(images),
            f"{victim.id} has {at} bytes",
            SETTLED,
            pause=0.001,
        )
        time.sleep(linger)
        self.fleet.gateway.kill()
        self.kills += 1
        states = {device.id: self.fleet.state(device) for device in self.fleet.devices}
        self.fleet.gateway.start()
        return {
            name: f"{KILLED}{state.step}" for name, state in states.items() if state.step != "idle"
        }

    def _settle(self, images: dict[str, Image]) -> None:
        # What has not come to rest is found by its outcome.
        with contextlib.suppress(AssertionError):
            wait_for(lambda: self._resting(images), "all boards at rest", SETTLED, pause=0.1)

    def _resting(self, images: dict[str, Image]) -> bool:
        for device in self.fleet.devices:
            state = self.fleet.state(device)
            wanted = _name(images[device.image.header.board])
            # Bytes that are not those signed are asked for again and again.
            tampered = state.pending == wanted and "does not verify" in state.problem
            decided = state.confirmed == wanted or self.fleet.refused(device, wanted) or tampered
            if state.step != "idle" or not decided:
                return False
        return True

    def _outcome(
        self, trial: str, quality: Quality, device: Device, new: Image, mishap: str
    ) -> Outcome:
        state = self.fleet.state(device)
        known = {_name(device.image): "old", _name(new): "new"}
        confirmed = known.get(state.confirmed, state.confirmed.version)
        if state.step != "idle":
            confirmed = state.step
        if confirmed == "new":
            device.image = new
        problem = self._shows(device)
        return Outcome(
            trial, device.id, quality, mishap, confirmed, not problem, problem or state.problem
        )

    def _shows(self, device: Device) -> str:
        """Why the board does not run its image; empty when it does."""
        connection = self._connections[device.id]
        try:
            attest(connection, device.image, self.fleet.config.attest_seconds)
        except TinyOpsError as error:
            return str(error)
        finally:
            connection.close()
        flash = device.board.flash.read(device.image.offset, len(device.image.bytes))
        return "" if flash == device.image.bytes else "the flash does not hold the image"


def until_befallen(
    trials: Trials, mishaps: Sequence[Mishap], times: float
) -> Iterator[list[Outcome]]:
    """Trials with these by turns, until boards have met with them so often."""
    for mishap in itertools.cycle(mishaps):
        if times <= 0:
            return
        outcomes = trials.run(mishap)
        times -= sum(bool(outcome.mishap) for outcome in outcomes)
        yield outcomes


def _name(image: Image) -> ImageName:
    return ImageName(image.header.version, sha256_hex(image.bytes))


def _befell(device: Device, faults: Faults) -> str:
    if faults.corrupt:
        return "noise" if device.board.sent else ""
    if faults.power_cut_after is not None and device.board.sent >= faults.power_cut_after:
        return "power"
    if faults.unplug_after is not None and device.board.sent >= faults.unplug_after:
        return "plug"
    return ""
