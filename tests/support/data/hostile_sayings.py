"""Files with odd contents, and valid files with invalid paths and descriptions."""

from __future__ import annotations

from typing import Any

import cbor2
import numpy as np

from tests.support.data.foreign_files import RATE, acquisition, csv_text, samples
from tests.support.data.hostile_makers import changed, npy, npz

EXTRA: dict[str, tuple[str, bytes]] = {
    "no number of the rate": (
        "a.csv",
        csv_text(samples(count=60)).replace("time_s,", "b,").encode(),
    ),
    "half a character for a name": ("a.json", changed(device_name="\ud800")),
    "a name of a megabyte": (
        "a.cbor",
        cbor2.dumps(acquisition(samples(count=9)) | {"x": "y" * 2**20}),
    ),
    "a device that is a path": ("a.json", changed(device_name="../../etc/passwd")),
    "numbers beyond float32": (
        "a.npz",
        npz(**{"x.npy": npy(samples(count=99) * 1e300), "fs.npy": npy(np.array(RATE))}),
    ),
    "recordings without rows": ("a.parquet", b""),
}


PATHS = [
    "../a.csv",
    "x/../a.csv",
    "/etc/a.csv",
    "a/b/c/d.csv",
    "a//b.csv",
    "./a.csv",
    "a.csv/",
    "a\0.csv",
    "a\n.csv",
    "\x1b[2J.csv",
    "\u202egpj.csv",
    "x" * 201 + ".csv",
    "ü" * 101 + ".csv",
    "x" * 4000 + ".csv",
    "..",
]
SAYINGS: list[dict[str, Any]] = [
    {"recording": "../../{stem}"},
    {"recording": "r" * 500},
    {"recording": "a\0b"},
    {"recording": "{nothing}"},
    {"recording": "\u202eabc"},
    {"machine": "../m"},
    {"machine": ""},
    {"machine": "m\nn"},
    {"machine": 3},
    {"label": "no such class"},
    {"rate_hz": 1e-300},
    {"rate_hz": 1e300},
    {"rate_hz": -400.0},
    {"rate_hz": float("nan")},
    {"gain": float("inf")},
    {"gain": 1e308},
    {"resample": "magic"},
    {"named": "{a}{b}"},
    {"recorded_at": "file"},
    {"recorded_at": "yesterday"},
    {"recorded_at": "9999-12-31T23:59:59-14:00"},
    {"recorded_at": "0001-01-01T00:00:00+14:00"},
    {"channels": ["ax", "ax", "ax"]},
    {"conditions": {"k" * 600: "v"}},
    {"unknown": 1},
]
