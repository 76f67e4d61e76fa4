"""One capture, written in every format that can be imported."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cbor2
import h5py
import numpy as np
import pyarrow as pa
from pyarrow import parquet
from scipy.io import savemat, wavfile

from tinyops.projects import Project, load_project

RATE = 400.0
NAMES = ("ax", "ay", "az")
AT = 1_700_000_000


def three_axes(window: int = 256) -> Project:
    """A project of three axes at RATE, whose recordings may be of one machine."""
    base = load_project("motor_health").model_dump()
    base["signal"] |= {
        "channels": list(NAMES),
        "rate_hz": RATE,
        "full_scale": [40.0] * 3,
        "window": window,
        "hop": window,
    }
    return Project.model_validate(base)


def samples(seed: int = 1, count: int = 2000) -> np.ndarray:
    """float64 [samples, 3] in m/s^2, whole hundredths so that text holds them exactly."""
    generator = np.random.default_rng(seed)
    return np.round(generator.normal(0, 3, (count, 3)), 2)


def csv_text(values: np.ndarray, rate: float = RATE, header: str = "time_s,ax,ay,az") -> str:
    rows = [
        f"{number / rate:.6f}," + ",".join(f"{value:.2f}" for value in row)
        for number, row in enumerate(values)
    ]
    return "\n".join([header, *rows, ""])


def acquisition(values: np.ndarray, rate: float = RATE) -> dict[str, Any]:
    """Edge Impulse's format."""
    return {
        "protected": {"ver": "v1", "alg": "none", "iat": AT},
        "signature": "00",
        "payload": {
            "device_name": "ac:87:a3:0a:2d:1b",
            "device_type": "TEST",
            "interval_ms": 1000.0 / rate,
            "sensors": [{"name": name, "units": "m/s2"} for name in NAMES],
            "values": values.tolist(),
        },
    }


def _wav(path: Path, values: np.ndarray) -> None:
    wavfile.write(path, int(RATE), values.astype(np.float32))


def _npz(path: Path, values: np.ndarray) -> None:
    np.savez_compressed(path, signal=values, fs=RATE)


def _mat5(path: Path, values: np.ndarray) -> None:
    savemat(path, {"signal": values, "fs": RATE, "note": "text"}, do_compression=True)


def _mat73(path: Path, values: np.ndarray) -> None:
    # As MATLAB writes it: 512 bytes of text first, arrays transposed.
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=512) as file:
        file["signal"] = values.T
        file["fs"] = np.array([[RATE]])
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(512) + buffer.getvalue()[512:])


def _parquet(path: Path, values: np.ndarray) -> None:
    start = np.datetime64(AT, "s").astype("datetime64[us]")
    times = start + (np.arange(len(values)) * (1e6 / RATE)).astype("timedelta64[us]")
    columns = {name: values[:, number] for number, name in enumerate(NAMES)}
    table = pa.table({"timestamp": pa.array(times, pa.timestamp("us", tz="UTC")), **columns})
    parquet.write_table(table, path)


WRITERS: dict[str, Callable[[Path, np.ndarray], None]] = {
    "a.csv": lambda path, values: path.write_text(csv_text(values)) and None,
    "a.wav": _wav,
    "a.npz": _npz,
    "v5.mat": _mat5,
    "v73.mat": _mat73,
    "a.parquet": _parquet,
    "a.json": lambda path, values: path.write_text(json.dumps(acquisition(values))) and None,
    "a.cbor": lambda path, values: path.write_bytes(cbor2.dumps(acquisition(values))) and None,
}


def write(folder: Path, name: str, values: np.ndarray) -> Path:
    """The capture as the file `name`, one of WRITERS."""
    path = folder / name
    WRITERS[name](path, values)
    return path
