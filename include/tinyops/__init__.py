"""TinyOps: the whole life of a machine-learning model that lives on a microcontroller."""

from __future__ import annotations

__version__ = "0.1.0"
