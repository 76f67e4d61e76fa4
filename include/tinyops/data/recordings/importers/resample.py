"""Another sampling rate, by a method that has a name."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from tinyops.data.recordings.importers.capture import Capture, ImportRefused

_LARGEST = 1000


def polyphase(capture: Capture, rate_hz: float) -> npt.NDArray[np.float64]:
    """scipy.signal.resample_poly: an anti-aliasing FIR, for samples that are evenly spaced."""
    from scipy.signal import resample_poly

    if capture.rate_hz is None or not capture.steady:
        raise ImportRefused(
            "polyphase resampling needs evenly spaced samples", "use --resample linear"
        )
    ratio = Fraction(rate_hz / capture.rate_hz).limit_denominator(_LARGEST)
    if ratio == 0 or abs(float(ratio) * capture.rate_hz / rate_hz - 1) > 1e-4:
        raise ImportRefused(
            f"no ratio of small numbers leads from {capture.rate_hz:g} to {rate_hz:g} Hz",
            "use --resample linear",
        )
    return np.asarray(
        resample_poly(capture.samples, ratio.numerator, ratio.denominator, axis=1), np.float64
    )


def linear(capture: Capture, rate_hz: float) -> npt.NDArray[np.float64]:
    """Straight lines between samples, at their own times; no filter, so it aliases downwards."""
    if capture.times is not None:
        times = capture.times
    elif capture.rate_hz:
        times = np.arange(capture.samples.shape[1]) / capture.rate_hz
    else:
        raise ImportRefused("linear resampling needs a rate or time stamps", "give --rate")
    # A hair more than the span, so that rounding does not cost the last sample.
    count = int((times[-1] - times[0]) * rate_hz * (1 + 1e-9)) + 1
    wanted = times[0] + np.arange(count) / rate_hz
    return np.stack([np.interp(wanted, times, row) for row in capture.samples])


METHODS: dict[str, Callable[[Capture, float], npt.NDArray[np.float64]]] = {
    "polyphase": polyphase,
    "linear": linear,
}
