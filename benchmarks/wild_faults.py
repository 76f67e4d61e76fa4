"""Faults as they are seen in the wild, put into good recordings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.signal import resample_poly

from tinyops.data.recordings import Recording


@dataclass(frozen=True)
class Fault:
    """`make` changes one recording; the gate must find it by one of `expectations`.

    `share` of the recordings have it, or all of one class.
    """

    name: str
    make: Callable[[Recording], Recording]
    expectations: tuple[str, ...]
    share: float = 0.1
    whole_class: bool = False


def _signal(recording: Recording, signal: Any, **changes: Any) -> Recording:
    return replace(recording, signal=np.ascontiguousarray(signal, np.float32), **changes)


def _dead(recording: Recording) -> Recording:
    signal = recording.signal.copy()
    rest = np.random.default_rng(1).normal(0, 1, signal.shape[1])
    signal[-1] = signal[-1].mean() + 1e-3 * signal[-1].std() * rest
    return _signal(recording, signal)


def _clipped(recording: Recording) -> Recording:
    middle = np.median(recording.signal, axis=1, keepdims=True)
    reach = np.quantile(np.abs(recording.signal - middle), 0.95, axis=1, keepdims=True)
    return _signal(recording, np.clip(recording.signal, middle - reach, middle + reach))


def clipped_at(full_scale: Sequence[float]) -> Fault:
    """A gain so high that a twentieth of the samples lie at full scale."""

    def make(recording: Recording) -> Recording:
        top = np.array(full_scale)[:, None]
        gain = (top / np.quantile(np.abs(recording.signal), 0.95, axis=1, keepdims=True)).min()
        return _signal(recording, np.clip(recording.signal * gain, -top, top))

    return Fault("clipping at full scale", make, ("clipping",))


def _zero_tail(recording: Recording) -> Recording:
    signal = recording.signal.copy()
    signal[:, -signal.shape[1] // 5 :] = 0
    return _signal(recording, signal)


def _without_tail(recording: Recording) -> Recording:
    said = recording.conditions | {"duration_s": f"{recording.seconds:.3f}"}
    keep = recording.samples * 4 // 5
    return _signal(recording, recording.signal[:, :keep], conditions=said)


def _other_clock(recording: Recording) -> Recording:
    said = recording.conditions | {"duration_s": f"{recording.seconds * 1.25:.3f}"}
    return replace(recording, conditions=said)


def recorded_at(factor: tuple[int, int]) -> Callable[[Recording], Recording]:
    """The recording as a recorder with `factor` times the rate would have made it."""

    def make(recording: Recording) -> Recording:
        return _signal(recording, resample_poly(recording.signal, *factor, axis=1))

    return make


FAULTS = (
    Fault("a class at 4 times the stated rate", recorded_at((4, 1)), ("rate_by_lines",), 0, True),
    Fault("a class at 2 times the stated rate", recorded_at((2, 1)), ("rate_by_lines",), 0, True),
    Fault("a class at half the stated rate", recorded_at((1, 2)), ("rate_by_lines",), 0, True),
    Fault(
        "a class at 48 kHz called 44.1 kHz", recorded_at((160, 147)), ("rate_by_lines",), 0, True
    ),
    Fault("units 100 times off", lambda r: _signal(r, r.signal * 100), ("unit_slip", "level")),
    Fault("units 9.81 times off", lambda r: _signal(r, r.signal * 9.81), ("unit_slip", "level")),
    Fault("a rate that the clock contradicts", _other_clock, ("rate_by_clock",)),
    Fault("a dead channel", _dead, ("dead_channel",)),
    Fault("clipping below full scale", _clipped, ("plateau", "clipping")),
    Fault("the last fifth is zero", _zero_tail, ("gap", "flat_line")),
    Fault("the last fifth is missing", _without_tail, ("rate_by_clock",)),
)
"""All but `clipped_at`, which depends on the project."""


def apply(fault: Fault, recordings: Sequence[Recording], label: str) -> dict[int, Recording]:
    """{number: the recording with the fault}, of a class or of every so many."""
    if fault.whole_class:
        return {at: fault.make(one) for at, one in enumerate(recordings) if one.label == label}
    every = round(1 / fault.share)
    return {at: fault.make(recordings[at]) for at in range(0, len(recordings), every)}
