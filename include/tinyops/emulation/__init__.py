"""Emulation: runs firmware bytes in QEMU. Knows nothing of boards or models."""

from tinyops.emulation.machine import EmulationError, Machine

__all__ = ["EmulationError", "Machine"]
