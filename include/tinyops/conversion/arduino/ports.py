"""Which sensor of which board an Arduino sketch can read, and by what source file."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tinyops.boards.board import Board
from tinyops.conversion.tflite.errors import ConversionError
from tinyops.projects import Project

RING = "sample_ring.c"
_DEGREES = math.pi / 180


@dataclass(frozen=True)
class Port:
    """How a sensor is read.

    Parameters
    ----------
    sources
        Files of firmware/board/arduino.
    libraries
        {library of the Arduino Library Manager: its header}, beside what the core has.
    defines
        Further integer macros of sensor_config.h.
    native_hz
        The sensor's own rate, interpolated to the project's; None: it runs at the project's.
    rates_hz
        Lowest and highest rate that can be set; None: see native_hz.
    channels
        How many channels it gives.
    scales
        Per channel, {unit of the project: values of the sensor's driver in that unit}.
    meaning
        What the counts are, for the README.
    """

    sources: tuple[str, ...]
    meaning: str
    channels: int = 1
    libraries: Mapping[str, str] = field(default_factory=dict)
    defines: Mapping[str, int] = field(default_factory=dict)
    native_hz: float | None = None
    rates_hz: tuple[float, float] | None = None
    scales: tuple[Mapping[str, float], ...] = ()


_ACCELERATION = {"g": 1.0, "m/s^2": 9.80665}
_ROTATION = {"rad/s": _DEGREES, "deg/s": 1.0}
_MICROPHONE = "the microphone's own 16-bit samples: not calibrated to pascal"
_ANALOGUE = (
    "half of the converter's range is 0, its ends are the ends of the project's full scale: the "
    "amplifier has to map one onto the other"
)

PORTS: Mapping[tuple[str, str], Port] = {
    ("nano33ble-sense", "imu"): Port(
        ("nano33ble_imu.cpp", RING),
        "physical values of Arduino's IMU library by the project's full scale, interpolated "
        "linearly from 119 Hz; its accelerometer ends at 4 g",
        channels=6,
        libraries={"Arduino_LSM9DS1": "Arduino_LSM9DS1.h"},
        defines={"SENSOR_RING": 64},
        native_hz=119,
        scales=(_ACCELERATION,) * 3 + (_ROTATION,) * 3,
    ),
    ("nano33ble-sense", "microphone"): Port(
        ("nano33ble_microphone.cpp", RING),
        _MICROPHONE,
        defines={"SENSOR_RING": 4096},
        rates_hz=(16000, 16000),
    ),
    # 16 MHz / 2047 to 16 MHz / 80.
    ("nano33ble-sense", "adc-piezo"): Port(
        ("nano33ble_adc.cpp",), _ANALOGUE, rates_hz=(7817, 200000)
    ),
    ("sparkfun-edge2", "microphone"): Port(
        ("edge2_microphone.cpp", RING),
        f"{_MICROPHONE}; interpolated linearly from 15625 Hz",
        defines={"SENSOR_RING": 8192},
        native_hz=15625,
    ),
    ("sparkfun-edge2", "adc-piezo"): Port(
        ("adc_burst.cpp",), _ANALOGUE, defines={"SENSOR_PIN": 16}, rates_hz=(1, 200000)
    ),
    ("esp-eye", "microphone"): Port(
        ("esp_eye_microphone.cpp", RING),
        _MICROPHONE,
        defines={"SENSOR_RING": 1024},
        rates_hz=(8000, 48000),
    ),
}


def port_of(board: Board, project: Project) -> Port:
    """The port for the project's sensor.

    Raises
    ------
    ConversionError
        There is none, or it does not give the project's channels or rate.
    """
    port = PORTS.get((board.name, project.sensor))
    if port is None:
        known = [name for kind, name in PORTS if kind == board.name]
        raise ConversionError(
            f"no Arduino source reads {project.sensor!r} on {board.name}",
            f"it can read: {', '.join(known) or 'nothing yet'}",
        )
    signal = project.signal
    if len(signal.channels) != port.channels:
        raise ConversionError(
            f"{project.sensor} of {board.name} gives a sketch {port.channels} channels, "
            f"{project.name} has {len(signal.channels)}",
            "export for another board",
        )
    low, high = port.rates_hz or (0, port.native_hz or 0)
    if port.native_hz is None and not low <= signal.rate_hz <= high:
        raise ConversionError(
            f"{project.sensor} of {board.name} runs at {low:g} to {high:g} Hz in a sketch, "
            f"{project.name} has {signal.rate_hz:g} Hz",
            "change signal.rate_hz, or write a port",
        )
    return port


def sensor_config(port: Port, project: Project, header: Callable[..., str]) -> str:
    """`sensor_config.h`; `header` is sources.config_header."""
    signal = project.signal
    defines = {
        "SENSOR_RATE_MHZ": round(1000 * signal.rate_hz),
        "SENSOR_CHANNELS": port.channels,
        **port.defines,
    }
    if port.native_hz is not None:
        defines["SENSOR_NATIVE_MHZ"] = round(1000 * port.native_hz)
    text = header("TINYOPS_SENSOR_CONFIG_H", defines)
    if not port.scales:
        return text
    scales = ", ".join(f"{value:.9e}f" for value in _counts_a_unit(port, project))
    return text.replace("\n#endif", f"#define SENSOR_SCALES {{{scales}}}\n\n#endif")


def _counts_a_unit(port: Port, project: Project) -> list[float]:
    signal = project.signal
    units = [unit.strip() for unit in signal.unit.split(",")]
    units = units * len(signal.channels) if len(units) == 1 else units
    counts = []
    for channel, unit, full_scale, known in zip(
        signal.channels, units, signal.full_scale, port.scales, strict=True
    ):
        if unit not in known:
            raise ConversionError(
                f"{project.name}: channel {channel} is in {unit!r}, the sketch's sensor is not",
                f"use one of: {', '.join(known)}",
            )
        counts.append(32767.0 / full_scale * known[unit])
    return counts
