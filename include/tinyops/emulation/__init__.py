"""Runs firmware bytes in QEMU or as a process. Knows nothing of boards or models."""

from tinyops.emulation.chip import Chip, EmulationError
from tinyops.emulation.host_chip import HostChip
from tinyops.emulation.machine import Machine

__all__ = ["Chip", "EmulationError", "HostChip", "Machine"]
