"""Names of the pools; pools.json beside this file gives their sizes for `airflow pools import`.

A task whose pool does not exist is never scheduled (Airflow 3.3.2), so set-up must import them.
"""

from __future__ import annotations

INGEST = "ingest"
"""Reading recordings: about 400 MB and one core for each task."""

TRAINING = "training"
"""TensorFlow: about 700 MB and one core for each task."""

EMULATOR = "emulator"
"""Cross compiler and QEMU: one core for each task."""

PREDICT = "predict"
"""LiteRT: one core for each task."""

REPORTS = "reports"
"""Evidently: one core for each task."""
