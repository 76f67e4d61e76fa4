"""An acoustic-style fingerprint: the same capture shifted, rescaled, requantised or re-encoded.

Noise tells captures apart: the fine structure of a spectrum is drawn anew with every capture, even
of a machine that runs on unchanged, and is the same in every copy of one capture. So bits are taken
from the log spectrum around loud moments less its own smooth course, where it is above the rounding
of a copy. A copy may start elsewhere: the moments are found in the signal.

Bits are signs of random projections (Charikar 2002, STOC, section 3): of two unrelated spectra
every second one agrees.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

MOMENTS, BITS = 3, 128
LARGEST, SMALLEST = 1024, 256
_FAINT = 1e-4
"""Of the strongest part of the smooth spectrum: copies with few bits lose what is fainter."""
_CLIP = 2.0
_SEED = 20260101


def echo(signal: npt.NDArray[np.float32]) -> str:
    """MOMENTS x BITS bits as hexadecimal text; "" where the recording has fewer than 4 x SMALLEST
    samples: too little noise to tell captures apart by."""
    samples = signal.shape[1]
    size = LARGEST
    while size > samples // 4:
        size //= 2
    if size < SMALLEST:
        return ""
    mixed = _mixed(signal)
    if mixed is None:
        return ""
    words = [_word(mixed[at - size // 2 : at + size // 2]) for at in _moments(mixed, size)]
    if len(words) < MOMENTS:
        return ""
    return np.packbits(np.concatenate(words)).tobytes().hex()


def _moments(mixed: npt.NDArray[np.float32], size: int) -> list[int]:
    """The loudest samples, half a window apart, that have half a window on both sides."""
    half = size // 2
    loud = np.abs(mixed[half : len(mixed) - half])
    found: list[int] = []
    while len(found) < MOMENTS and loud.size and loud.max() > 0:
        at = int(loud.argmax())
        found.append(half + at)
        loud[max(0, at - half) : at + half] = 0
    return found


def echo_bits(echoes: list[str]) -> npt.NDArray[np.float32]:
    """[echoes, MOMENTS, BITS] of -1 and 1; 0 throughout for ""."""
    blank = bytes(MOMENTS * BITS // 8)
    raw = np.frombuffer(b"".join(bytes.fromhex(one) or blank for one in echoes), np.uint8)
    bits = np.unpackbits(raw).astype(np.float32).reshape(len(echoes), MOMENTS, BITS) * 2 - 1
    bits[[not one for one in echoes]] = 0
    return bits


def _mixed(signal: npt.NDArray[np.float32]) -> npt.NDArray[np.float32] | None:
    """Sum of the channels, each with mean 0 and the same deviation; None where none moves."""
    moved = signal - signal.mean(axis=1, keepdims=True)
    if len(moved) == 1:
        return moved[0] if moved.any() else None
    spread = np.sqrt(np.einsum("cn,cn->c", moved, moved) / moved.shape[1])
    if not (spread > 0).any():
        return None
    return np.asarray((1 / spread[spread > 0]) @ moved[spread > 0])


def _word(cut: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    power = np.abs(np.fft.rfft(cut * _hann(len(cut))))[1:] ** 2
    logs = np.log(power + 1e-12 * power.max() + 1e-30)
    width = max(9, len(logs) // 16)
    smooth = _moving_mean(logs, width)
    heard = smooth > smooth.max() + np.log(_FAINT)
    fine = np.where(heard, np.clip(logs - smooth, -_CLIP, _CLIP), 0.0)
    return np.asarray(_directions(len(fine)) @ fine > 0)


def _moving_mean(values: npt.NDArray[np.float64], width: int) -> npt.NDArray[np.float64]:
    half = width // 2
    padded = np.concatenate([[0.0], values[half:0:-1], values, values[-2 : -half - 2 : -1]])
    total = np.cumsum(padded)
    return np.asarray((total[2 * half + 1 :] - total[: -2 * half - 1]) / (2 * half + 1))


@cache
def _directions(size: int) -> npt.NDArray[np.float64]:
    return np.random.default_rng(_SEED).choice([-1.0, 1.0], (BITS, size))


@cache
def _hann(size: int) -> npt.NDArray[np.float64]:
    return np.hanning(size)
