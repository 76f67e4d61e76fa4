"""A kind of board as its YAML file describes it: sizes, sensors, runtime, protocol.

Every number has its source. What would fail later is refused here.
"""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

PLATFORMS = {"aot": "qemu-virtual", "tflm": "host-virtual"}
"""Platform of an image, by runtime."""
TARGET_CHARACTERS = 31
"""Of `target` in the image header (firmware/link/link.h), which ends with a zero."""
PARAMETER_PAGES = 2
VECTORS = 0x400
"""Below it the emulator has the vectors that it boots by."""
EMULATED_BYTES = 4 << 20
EMULATED_RAM = 0x20000000
"""SSRAM of QEMU 7.2's mps2-an386 (hw/arm/mps2.c): 4 MB at 0 and at 0x20000000."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sourced(_Part):
    """Something with a source; sources marked unsourced are from memory."""

    source: str = Field(min_length=3)


class Clock(Sourced):
    """The processor's clock."""

    hz: int = Field(gt=0)


class Flash(Sourced):
    """Flash of the application: offset from the start of flash, size and page in bytes."""

    app_offset: int = Field(ge=0)
    app_bytes: int = Field(gt=0)
    page_bytes: int = Field(gt=0)
    base_address: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _on_pages(self) -> Self:
        page = self.page_bytes
        if page & (page - 1):
            raise ValueError(f"page_bytes is {page}, expected a power of two")
        for name in ("app_offset", "app_bytes"):
            if (value := getattr(self, name)) % page:
                raise ValueError(
                    f"{name} is {value:#x}, expected a multiple of page_bytes {page:#x}"
                )
        if self.app_bytes <= PARAMETER_PAGES * page:
            raise ValueError(
                f"app_bytes is {self.app_bytes}, expected more than the {PARAMETER_PAGES} pages of "
                f"parameters, {PARAMETER_PAGES * page} bytes"
            )
        return self


class Ram(Sourced):
    """RAM in bytes: all of it, and what the vendor's core leaves to the application."""

    address: int = Field(ge=0)
    total_bytes: int = Field(gt=0, multiple_of=1024)
    app_bytes: int = Field(gt=0)

    @model_validator(mode="after")
    def _holds_the_application(self) -> Self:
        if self.app_bytes > self.total_bytes:
            raise ValueError(
                f"app_bytes is {self.app_bytes}, expected at most total_bytes {self.total_bytes}"
            )
        return self


class Allowance(Sourced):
    """Flash and RAM in bytes that something needs beside the model: an estimate."""

    flash_bytes: int = Field(ge=0)
    ram_bytes: int = Field(ge=0)


class Runtime(Allowance):
    """Kernels and firmware. `aot`: the model as compiled C; `tflm`: an interpreter."""

    kind: Literal["aot", "tflm"]


class Base(Allowance):
    """The vendor's core or SDK that a real board's image carries; RAM beyond `Ram.app_bytes`."""


class Sensor(Sourced):
    """A sensor on the board, or one that has to be connected (`external`, then `needs`)."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    kind: str
    channels: int = Field(ge=1)
    max_rate_hz: float = Field(gt=0)
    unit: str
    external: bool = False
    needs: str = ""

    @model_validator(mode="after")
    def _says_what_it_needs(self) -> Self:
        if self.external != bool(self.needs):
            raise ValueError(
                f"needs is {self.needs!r}, expected "
                + (
                    "what has to be connected"
                    if self.external
                    else "nothing without external: true"
                )
            )
        return self


class Usb(Sourced):
    """Vendor and product id of one state of the board."""

    vid: int
    pid: int
    state: Literal["application", "bootloader", "bridge"]


class Protocol(Sourced):
    """How an image gets onto the board."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$", description="its driver's module")
    baud: int = Field(gt=0)
    reset: Literal["touch-1200", "dtr", "dtr-rts", "button"]


class Arduino(Sourced):
    """The Arduino core that builds for the real board.

    `fqbn` names board and options for arduino-cli, `core` the package and `architecture` what
    library.properties calls it. `flat`: the linked bytes are flash from `Flash.app_offset` on.
    """

    fqbn: str = Field(pattern=r"^\w+:\w+:\w+(:[\w=,]+)?$")
    core: str = Field(pattern=r"^\w+:\w+$")
    architecture: str
    flat: bool


class Board(_Part):
    """A kind of board."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title: str
    mcu: str
    core: str
    clock: Clock
    flash: Flash
    ram: Ram
    radio: list[str]
    sensors: list[Sensor]
    runtime: Runtime
    base: Base
    protocol: Protocol
    usb: list[Usb]
    targets: list[str] = Field(
        description="image targets that can be built for it: its name and the platform"
    )
    arduino: Arduino | None = None
    notes: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _targets_are_its_own(self) -> Self:
        platform = PLATFORMS[self.runtime.kind]
        for target in self.targets:
            if target != f"{self.name}-{platform}":
                raise ValueError(
                    f"targets: {target!r}, expected {self.name}-{platform} for runtime "
                    f"{self.runtime.kind}"
                )
        for target in self.accepted_targets:
            if (excess := len(target) - TARGET_CHARACTERS) > 0:
                raise ValueError(
                    f"name: {self.name!r} is {len(self.name)} characters, expected at most "
                    f"{len(self.name) - excess}: images for {target} name it in "
                    f"{TARGET_CHARACTERS} characters"
                )
        return self

    @model_validator(mode="after")
    def _sensors_have_names_of_their_own(self) -> Self:
        names = [sensor.name for sensor in self.sensors]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"sensors: {sorted(twice)[0]!r} twice, expected names of their own")
        return self

    @model_validator(mode="after")
    def _can_be_emulated(self) -> Self:
        if self.runtime.kind != "aot" or not self.targets:
            return self
        if not re.match(r"Cortex-M[47]", self.core):
            raise ValueError(
                f"core: {self.core!r}, expected a Cortex-M4 or M7 for runtime aot; a board of "
                "another core takes runtime tflm, or targets: []"
            )
        end = self.flash.app_offset + self.flash.app_bytes
        if self.flash.app_offset < VECTORS or end > EMULATED_BYTES:
            raise ValueError(
                f"flash: the application lies at {self.flash.app_offset:#x} to {end:#x}, expected "
                f"{VECTORS:#x} to {EMULATED_BYTES:#x} from the start of flash, as the emulator has"
            )
        if self.ram.address != EMULATED_RAM or self.ram.total_bytes > EMULATED_BYTES:
            raise ValueError(
                f"ram: {self.ram.total_bytes} bytes at {self.ram.address:#x}, expected at most "
                f"{EMULATED_BYTES} at {EMULATED_RAM:#x}: the emulator has no other"
            )
        return self

    def platform(self, target: str) -> str:
        """What a target is built for, without the board: `qemu-virtual`, `host-virtual`."""
        return target.removeprefix(f"{self.name}-")

    @property
    def real_target(self) -> str | None:
        """The target of an image that a vendor's toolchain builds for the real board."""
        return f"{self.name}-arduino" if self.arduino else None

    @property
    def accepted_targets(self) -> list[str]:
        """Targets of images that may be written to a board of this kind, virtual or real."""
        return [*self.targets, *([self.real_target] if self.real_target else [])]

    def sensor(self, name: str) -> Sensor | None:
        """The sensor of this name, or None."""
        return next((sensor for sensor in self.sensors if sensor.name == name), None)
