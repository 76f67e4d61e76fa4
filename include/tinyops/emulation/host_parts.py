"""An image of firmware built for the host: where its parts lie (firmware/board/host/host.h)."""

from __future__ import annotations

import platform
import struct
from dataclasses import astuple, dataclass

MAGIC = b"TOPSHOST"
_STRUCT = struct.Struct("<8sHH5I")
SIZE = _STRUCT.size
_ELF_MACHINE = struct.Struct("<18xH")
_MACHINES = {62: "x86_64", 183: "aarch64"}
"""e_machine of the ELF specification; names as `platform.machine` gives them."""


class HostImageError(ValueError):
    """These bytes are no such image, or one for another machine."""


@dataclass(frozen=True)
class HostParts:
    """Offsets from the first byte of the image, and sizes, in bytes.

    Parameters
    ----------
    machine
        Of the firmware, a shared library: e_machine of ELF.
    parameters
        Where the two parameter pages begin.
    """

    machine: int
    firmware: int
    firmware_bytes: int
    model: int
    model_bytes: int
    parameters: int

    def pack(self) -> bytes:
        """The bytes at the start of the image."""
        machine, *rest = astuple(self)
        return _STRUCT.pack(MAGIC, machine, 0, *rest)


def machine_of(library: bytes) -> int:
    """e_machine of an ELF file."""
    return int(_ELF_MACHINE.unpack_from(library)[0])


def read_parts(image: bytes) -> HostParts:
    """The parts of an image that this host can run.

    Raises
    ------
    HostImageError
        It is none: blank, damaged, or built for another processor.
    """
    if len(image) < SIZE:
        raise HostImageError(f"{len(image)} bytes")
    magic, machine, _, *rest = _STRUCT.unpack_from(image)
    parts = HostParts(machine, *rest)
    if magic != MAGIC:
        raise HostImageError("no firmware for the host")
    name = _MACHINES.get(machine, f"machine {machine}")
    if name != platform.machine():
        raise HostImageError(f"firmware for {name}, this host is {platform.machine()}")
    for start, size in ((parts.firmware, parts.firmware_bytes), (parts.model, parts.model_bytes)):
        if start + size > len(image):
            raise HostImageError(f"a part ends at {start + size} of {len(image)} bytes")
    return parts
