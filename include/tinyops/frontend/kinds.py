"""The kinds of frontend: their specs from a project's sections, their constants and tables."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyops.frontend.spec import FrontendError, FrontendSpec

# A power of two, so that scale * int8 is exact in float32 and survives the converter unchanged.
INPUT_SCALE = 1 / 32
_SAMPLES_SHIFT = 20
# Steps of the int8 output per factor of two in power, and the value of the mean.
_CARRIER_STEPS, _CARRIER_ZERO = 16, -32
_LINE_STEPS, _LINE_ZERO = 8, 32

Content = tuple[dict[str, int], dict[str, NDArray]]


def spec_from_project(section: Any, signal: Any) -> FrontendSpec:
    """The spec that the sections `frontend` and `signal` of project.yaml describe.

    Raises
    ------
    FrontendError
        The window does not suit the kind; names the key.
    """
    build = {"samples": _samples_spec, "spectrum": _spectrum_spec}
    return build[section.kind](section, signal)


def content(spec: FrontendSpec) -> Content:
    """(integer macros, constant arrays) of the generated C files."""
    if spec.kind == "samples":
        decimate = int(spec.parameters["decimate"])
        gain = np.array(spec.parameters["gain"], dtype=np.int32)
        return {"DECIMATE": decimate}, {"gain": gain}
    if spec.kind == "spectrum":
        return _spectrum_content(spec)
    return {}, {}


def _samples_spec(section: Any, signal: Any) -> FrontendSpec:
    decimate = section.decimate
    if signal.window % decimate:
        raise FrontendError(
            f"frontend.decimate: {decimate} does not divide the window of {signal.window} samples",
            "choose a divisor",
        )
    full_scale = np.asarray(signal.full_scale, dtype=float)
    reach = np.asarray(section.range or signal.full_scale, dtype=float)
    if reach.shape != full_scale.shape:
        raise FrontendError(
            f"frontend.range: {len(reach)} values for {len(full_scale)} channels",
            "give one per channel",
        )
    # int8 127 at `range`, from the sum of `decimate` counts.
    gain = 127.0 / 32767.0 * full_scale / reach / decimate * 2**_SAMPLES_SHIFT
    return FrontendSpec(
        kind="samples",
        window=signal.window,
        hop=signal.hop,
        channels=len(signal.channels),
        output_shape=(signal.window // decimate, 1, len(signal.channels)),
        input_scale=INPUT_SCALE,
        input_zero_point=0,
        parameters={"decimate": decimate, "gain": [round(value) for value in gain]},
    )


def _spectrum_spec(section: Any, signal: Any) -> FrontendSpec:
    window, carriers, bins = signal.window, section.carriers, section.bins
    if window & (window - 1) or not 256 <= window <= 16384:
        raise FrontendError(
            f"signal.window: {window} samples for a spectrum", "use a power of two, 256 to 16384"
        )
    for key, value in (("carriers", carriers), ("bins", bins)):
        if value & (value - 1):
            raise FrontendError(f"frontend.{key}: {value}", "use a power of two")
    if bins > window // (4 * carriers):
        raise FrontendError(
            f"frontend.bins: {bins} from {carriers} bands of {window // (2 * carriers)} bins",
            f"use at most {window // (4 * carriers)}",
        )
    channels = len(signal.channels)
    return FrontendSpec(
        kind="spectrum",
        window=window,
        hop=signal.hop,
        channels=channels,
        output_shape=(bins, 1, channels * (carriers + 2)),
        input_scale=INPUT_SCALE,
        input_zero_point=0,
        parameters={"carriers": carriers, "bins": bins},
    )


def _spectrum_content(spec: FrontendSpec) -> Content:
    defines = {
        "CARRIERS": int(spec.parameters["carriers"]),
        "BINS": int(spec.parameters["bins"]),
        "CARRIER_STEPS": _CARRIER_STEPS,
        "CARRIER_ZERO": _CARRIER_ZERO,
        "LINE_STEPS": _LINE_STEPS,
        "LINE_ZERO": _LINE_ZERO,
    }
    angle = 2 * np.pi * np.arange(spec.window // 2 + 1) / spec.window
    # The table's value is that of the middle of each mantissa's interval.
    mantissa = 1 + (np.arange(128) + 0.5) / 128
    tables = {
        "cosine": np.cos(angle).astype(np.float32),
        "log2": np.rint(256 * np.log2(mantissa)).astype(np.int16),
    }
    return defines, tables
