"""What whoever imports a file says of it, and the recording that both together make."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from tinyops.data.recordings.importers.capture import Capture, ImportRefused
from tinyops.data.recordings.importers.description import FILE_TIME, Description
from tinyops.data.recordings.importers.naming import filled, names_any, places_of
from tinyops.data.recordings.importers.resample import METHODS
from tinyops.data.recordings.recording import Recording
from tinyops.projects import Project

RATE_TOLERANCE = 0.01
_SPELLINGS = {"m/s2": "m/s^2", "m/s²": "m/s^2", "°/s": "deg/s", "dps": "deg/s"}


def describe(capture: Capture, said: Description, project: Project, path: Path) -> Recording:
    """The recording of a capture.

    Raises
    ------
    ImportRefused
        Something is missing, or file and description contradict each other.
    """
    ordered = _in_order(capture, said, project, path)
    resampled = _at_the_rate(ordered, said, project, path)
    gain = _gain(resampled, said, project, path)
    with np.errstate(over="ignore", invalid="ignore"):  # the gate names what is no number
        signal = (resampled.samples * gain + said.offset).astype(np.float32)
    places = places_of(path, said.named) | capture.places

    def text(given: str) -> str:
        return filled(given, places, path)

    conditions = {key: text(value) for key, value in said.conditions.items()} | capture.notes
    if resampled.samples is not ordered.samples:
        rate = ordered.rate_hz or said.rate_hz or 0
        conditions["resampled"] = f"{said.resample} from {rate:g} Hz"
    recorded_at = _time(capture, replace(said, recorded_at=text(said.recorded_at)), path)
    if capture.samples_before and not names_any(said.recorded_at, capture.places):
        rate = capture.rate_hz or said.rate_hz or project.signal.rate_hz
        recorded_at += timedelta(seconds=capture.samples_before / rate)
        conditions.setdefault("recorded_at", "in the order of the file's records")
    name = text(said.recording)
    numbered = capture.name and not names_any(said.recording, capture.places)
    return Recording(
        recording_id=f"{name}.{capture.name}" if numbered else name,
        machine_id=text(said.machine),
        device_id=text(said.device) or capture.device or text(said.machine),
        sensor=project.sensor,
        recorded_at=recorded_at,
        rate_hz=resampled.rate_hz or 0.0,
        channels=tuple(project.signal.channels),
        unit=project.signal.unit,
        signal=signal,
        label=None if said.label is None else text(said.label),
        conditions=conditions,
    )


def _in_order(capture: Capture, said: Description, project: Project, path: Path) -> Capture:
    wanted = project.signal.channels
    names = said.channels or (tuple(wanted) if set(wanted) <= set(capture.channels) else ())
    if not names and capture.samples.shape[0] == len(wanted) == 1:
        return capture
    if not names:
        have = ", ".join(capture.channels) or f"{capture.samples.shape[0]} without names"
        raise ImportRefused(
            f"{path.name}: channels are {have}; {project.name} has {', '.join(wanted)}",
            "name the file's channels in the project's order with --channels",
        )
    if len(set(names)) < len(names):
        raise ImportRefused(
            f"{path.name}: a channel is named twice: {', '.join(names)}", "name each once"
        )
    if len(names) != len(wanted):
        raise ImportRefused(
            f"{path.name}: {len(names)} channels are named, {project.name} has {len(wanted)}",
            f"name one for each of: {', '.join(wanted)}",
        )
    if capture.channels:
        missing = [name for name in names if name not in capture.channels]
        if missing:
            raise ImportRefused(
                f"{path.name}: no channel {missing[0]!r}",
                f"it has: {', '.join(capture.channels)}",
            )
        rows = [capture.channels.index(name) for name in names]
        return replace(capture, samples=capture.samples[rows], channels=names)
    if len(names) != capture.samples.shape[0]:
        raise ImportRefused(
            f"{path.name}: {capture.samples.shape[0]} channels without names, {len(names)} named",
            "name each of them",
        )
    return replace(capture, channels=names)


def _at_the_rate(capture: Capture, said: Description, project: Project, path: Path) -> Capture:
    rate = capture.rate_hz or said.rate_hz
    if rate is None:
        raise ImportRefused(f"{path.name}: does not state its rate", "give --rate, in Hz")
    if said.rate_hz and abs(said.rate_hz / rate - 1) > RATE_TOLERANCE:
        raise ImportRefused(
            f"{path.name}: --rate says {said.rate_hz:g} Hz, the file {rate:g} Hz",
            "find out which is right; leave --rate out to go by the file",
        )
    capture, wanted = replace(capture, rate_hz=rate), project.signal.rate_hz
    if capture.steady and abs(rate / wanted - 1) <= RATE_TOLERANCE:
        return capture
    if not said.resample:
        reason = (
            f"recorded at {rate:g} Hz, {project.name} has {wanted:g} Hz"
            if capture.steady
            else "the time stamps are uneven: samples are missing or late"
        )
        raise ImportRefused(
            f"{path.name}: {reason}",
            f"name a method with --resample ({', '.join(METHODS)}), or record anew",
        )
    samples = METHODS[said.resample](capture, wanted)
    return replace(capture, samples=samples, rate_hz=wanted, times=None)


def _gain(capture: Capture, said: Description, project: Project, path: Path) -> float:
    if said.gain is not None:
        return said.gain
    unit, wanted = said.unit or capture.unit or "", project.signal.unit
    if not unit:
        raise ImportRefused(
            f"{path.name}: does not state its unit",
            f"give --unit {wanted!r} if it is that, or --gain to come to {wanted}",
        )
    if _SPELLINGS.get(unit, unit) != _SPELLINGS.get(wanted, wanted):
        raise ImportRefused(
            f"{path.name}: is in {unit}, {project.name} in {wanted}",
            f"give --gain: how many {wanted} one {unit} is",
        )
    return 1.0


def _time(capture: Capture, said: Description, path: Path) -> datetime:
    if said.recorded_at == FILE_TIME:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    if not said.recorded_at:
        if capture.recorded_at is None:
            raise ImportRefused(
                f"{path.name}: does not state when it was recorded",
                "give --recorded-at, ISO 8601 with a zone, or --recorded-at file for the file's",
            )
        return capture.recorded_at
    try:
        at = datetime.fromisoformat(said.recorded_at)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ImportRefused(
        f"--recorded-at {said.recorded_at!r} is no ISO 8601 time with a zone",
        "for example 2026-01-31T12:00:00Z",
    )
