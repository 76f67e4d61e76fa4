"""What whoever imports a file says of it, and the recording that both together make."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from tinyops.data.importers.capture import Capture, ImportRefused
from tinyops.data.importers.resample import METHODS
from tinyops.data.recording import Recording
from tinyops.projects import Project

RATE_TOLERANCE = 0.01
FILE_TIME = "file"
_SPELLINGS = {"m/s2": "m/s^2", "m/s²": "m/s^2", "°/s": "deg/s", "dps": "deg/s"}


@dataclass(frozen=True)
class Description:
    """What is said beside the file. Texts may hold {stem}, {folder} (the file's) and {parent}.

    Parameters
    ----------
    channels
        The file's channels, in the project's order; names of the file's own where it has them.
    rate_hz
        Samples per second; for a file that states its own, only a check.
    gain, offset
        physical = gain * value + offset, in the project's unit.
    unit
        The file's unit. Unlike the project's unit it needs a gain.
    recorded_at
        ISO 8601 with a zone, or "file" for the time at which the file was changed last.
    resample
        A method of `resample.METHODS`, used where the rate is not the project's.
    array
        Name of the array in an NPZ or MAT file.
    """

    machine: str
    device: str = ""
    label: str | None = None
    recording: str = "{stem}"
    channels: tuple[str, ...] = ()
    rate_hz: float | None = None
    unit: str = ""
    gain: float | None = None
    offset: float = 0.0
    recorded_at: str = ""
    resample: str = ""
    array: str = ""
    time_column: str = ""
    conditions: dict[str, str] = field(default_factory=dict)


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
    conditions = dict(said.conditions) | capture.notes
    if resampled.samples is not ordered.samples:
        rate = ordered.rate_hz or said.rate_hz or 0
        conditions["resampled"] = f"{said.resample} from {rate:g} Hz"
    name = _filled(said.recording, path)
    return Recording(
        recording_id=f"{name}.{capture.name}" if capture.name else name,
        machine_id=_filled(said.machine, path),
        device_id=_filled(said.device, path) or capture.device or _filled(said.machine, path),
        sensor=project.sensor,
        recorded_at=_time(capture, said, path),
        rate_hz=resampled.rate_hz or 0.0,
        channels=tuple(project.signal.channels),
        unit=project.signal.unit,
        signal=signal,
        label=None if said.label is None else _filled(said.label, path),
        conditions=conditions,
    )


def _filled(text: str, path: Path) -> str:
    places = {"stem": path.stem, "folder": path.parent.name, "parent": path.parent.parent.name}
    for name, value in places.items():
        text = text.replace(f"{{{name}}}", value)
    return text


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
    except ValueError:
        at = datetime(1, 1, 1)  # noqa: DTZ001 - no zone: refused below
    if at.tzinfo is None:
        raise ImportRefused(
            f"--recorded-at {said.recorded_at!r} is no ISO 8601 time with a zone",
            "for example 2026-01-31T12:00:00Z",
        )
    return at.astimezone(UTC)
