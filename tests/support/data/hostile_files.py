"""Damaged and hostile files, and random damage for valid ones."""

from __future__ import annotations

import pickle
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path

import cbor2
import h5py
import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from tests.support.data.foreign_files import acquisition, csv_text, samples
from tests.support.data.hostile_makers import (
    Runs,
    changed,
    hdf5,
    hdf5_of,
    header_of,
    many_entries,
    mat,
    npy,
    npy_header,
    npz,
    resized,
    table,
    virtual,
    wav,
)

TRACE = Path(tempfile.gettempdir()) / "tinyops-test-pickle-was-opened"
AXES = {"ax": [1.0, 2.0, 3.0], "ay": [1.0, 2.0, 3.0], "az": [1.0, 2.0, 3.0]}
GOOD_NPY = npy(samples())
TEXT = csv_text(samples(count=50)).encode()
DEEP = b"[" * 200_000
HOSTILE: dict[str, tuple[str, bytes]] = {
    "empty csv": ("a.csv", b""),
    "empty wav": ("a.wav", b""),
    "unknown kind": ("a.exe", b"MZ"),
    "csv of numbers only": ("a.csv", b"1,2,3\n4,5,6\n"),
    "csv with words": ("a.csv", TEXT.replace(b"0.002500,", b"soon,")),
    "csv with an empty cell": ("a.csv", b"time_s,ax,ay,az\n0,1,2,3\n0.0025,1,,3\n"),
    "csv with a row too short": ("a.csv", b"time_s,ax,ay,az\n0,1,2,3\n0.0025,1\n"),
    "csv that is no text": ("a.csv", b"time_s,ax,ay,az\n\xff\xfe\x00,1,2,3\n"),
    "csv with a name that is no UTF-8": ("a.csv", b"time_s,ax,ay,\x80z\n0,1,2,3\n0.0025,1,2,3\n"),
    "csv with a time's name that is no UTF-8": ("a.csv", b"\xb5s,ax,ay,az\n0,1,2,3\n1,1,2,3\n"),
    "csv with time going back": ("a.csv", b"time_s,ax,ay,az\n0,1,2,3\n1,1,2,3\n0.5,1,2,3\n"),
    "csv with one row": ("a.csv", b"time_s,ax,ay,az\n0,1,2,3\n"),
    "csv header alone": ("a.csv", b"time_s,ax,ay,az\n"),
    "csv of zeros": ("a.csv", b"\0" * 5000),
    "wav cut in its header": ("a.wav", b"RIFF\xff\xff\xff\xffWAVEfmt "),
    "wav that is text": ("a.wav", b"no wave"),
    "npz that is no zip": ("a.npz", b"PK\x03\x04 no"),
    "npz without arrays": ("a.npz", npz(**{"readme.txt": b"hello"})),
    "npz bomb": ("a.npz", resized(npz(**{"x.npy": npy(samples())}), (4 << 30) - 1)),
    "npz that unpacks to more than it says": (
        "a.npz",
        resized(npz(**{"x.npy": npy(np.zeros((1 << 20, 3)))}), 4096),
    ),
    "npz that says it is huge": ("a.npz", npz(**{"signal.npy": npy_header((1 << 50, 3))})),
    "npz with a negative side": ("a.npz", npz(**{"signal.npy": npy_header((-5, 3), b"\0" * 80)})),
    "npz of text": ("a.npz", npz(**{"signal.npy": npy(np.array(["a", "b", "c"]))})),
    "npz of complex": ("a.npz", npz(**{"signal.npy": npy(np.ones((90, 3), np.complex128))})),
    "npz of several": ("a.npz", npz(**{"x.npy": npy(samples()), "y.npy": npy(samples())})),
    "npz of scalars": ("a.npz", npz(**{"x.npy": npy(np.array(3.0))})),
    "npz of images": ("a.npz", npz(**{"x.npy": npy(np.zeros((5, 96, 96, 3)))})),
    "npz of a wide matrix": ("a.npz", npz(**{"x.npy": npy(np.zeros((500, 500)))})),
    "npz climbing out": ("a.npz", npz(**{"../../evil.npy": b"\x93NUMPY"})),
    "npz climbing out with an array": ("a.npz", npz(**{"../../x.npy": GOOD_NPY})),
    "npz with an absolute name": ("a.npz", npz(**{"/etc/x.npy": GOOD_NPY})),
    "npz with an entry twice": ("a.npz", many_entries(npz(**{"x.npy": GOOD_NPY}), 2)),
    "npz with ten thousand entries": ("a.npz", many_entries(npz(**{"x.npy": GOOD_NPY}), 10_000)),
    "npz of a link": ("a.npz", npz(**{"x.npy": b"/etc/passwd"})),
    "npz with a password": (
        "a.npz",
        npz(**{"x.npy": GOOD_NPY})
        .replace(b"PK\3\4\x14\0\0", b"PK\3\4\x14\0\1")
        .replace(b"PK\1\2\x14\3\x14\0\0", b"PK\1\2\x14\3\x14\0\1"),
    ),
    "npz with code for a header": (
        "a.npz",
        npz(**{"x.npy": header_of("{'descr': __import__('os').getcwd(), 'shape': (9, 3)}")}),
    ),
    "npz with an endless header": ("a.npz", npz(**{"x.npy": header_of("(" * 60_000)})),
    "npz of objects": (
        "a.npz",
        npz(**{"x.npy": header_of("{'descr': '|O', 'fortran_order': False, 'shape': (9, 3), }\n")}),
    ),
    "npz with a pickle": ("a.npz", npz(**{"x.npy": npy(np.array([Runs(str(TRACE))] * 9, object))})),
    "pickle for an npz": ("a.npz", pickle.dumps(Runs(str(TRACE)))),
    "npz of records": ("a.npz", npz(**{"x.npy": npy(np.zeros(9, [("a", "f8"), ("b", "i4")]))})),
    "npz of dates": ("a.npz", npz(**{"x.npy": npy(np.zeros(9, "M8[s]"))})),
    "mat of a struct": ("a.mat", mat(signal={"a": samples(count=9)})),
    "mat of a cell": ("a.mat", mat(signal=np.array([samples(count=9), "x"], object))),
    "mat of text": ("a.mat", mat(signal=["abc", "def"])),
    "mat of complex": ("a.mat", mat(signal=samples(count=9) * 1j)),
    "mat that says it is huge": (
        "a.mat",
        mat(signal=samples(count=2000)).replace(
            struct.pack("<ii", 2000, 3), struct.pack("<ii", 2**31 - 1, 3)
        ),
    ),
    "mat with a negative side": (
        "a.mat",
        mat(signal=samples(count=2000)).replace(
            struct.pack("<ii", 2000, 3), struct.pack("<ii", -2000, 3)
        ),
    ),
    "mat 7.3 in another file": (
        "a.mat",
        hdf5_of(
            lambda file: file.create_dataset("x", (60, 3), "u1", external=[("/etc/passwd", 0, 180)])
        ),
    ),
    "mat 7.3 of another file's array": ("a.mat", hdf5_of(virtual)),
    "mat 7.3 with a link out": (
        "a.mat",
        hdf5_of(lambda file: file.__setitem__("x", h5py.ExternalLink("/etc/passwd", "/x"))),
    ),
    "mat 7.3 with a link to itself": (
        "a.mat",
        hdf5_of(lambda file: file.__setitem__("x", h5py.SoftLink("/x"))),
    ),
    "mat 7.3 of references": (
        "a.mat",
        hdf5_of(lambda file: file.create_dataset("x", (9, 3), h5py.ref_dtype)),
    ),
    "wav that says it is huge": ("a.wav", wav(says=0xFFFFFFF0)),
    "wav of many channels": ("a.wav", wav(channels=65535)),
    "wav without a rate": ("a.wav", wav(rate=0)),
    "wav without a block": ("a.wav", wav(block=0)),
    "wav of 3 bits": ("a.wav", wav(bits=3)),
    "wav that is compressed": ("a.wav", wav(tag=2)),
    "wav without samples": ("a.wav", wav(b"")),
    "csv with a name twice": ("a.csv", b"time_s,ax,ax,az\n0,1,2,3\n0.0025,1,2,3\n0.005,1,2,3\n"),
    "csv of many columns": (
        "a.csv",
        b"\n".join([b",".join(b"c%d" % n for n in range(5000)), *[b"1," * 4999 + b"1"] * 3]),
    ),
    "csv with a quote without end": ("a.csv", b'time_s,ax,ay,az\n0,"1,2,3\n' + b"0,1,2,3\n" * 50),
    "csv in UTF-16": ("a.csv", TEXT.decode().encode("utf-16")),
    "csv with time that is no number": (
        "a.csv",
        b"time_s,ax,ay,az\n0,1,2,3\nnan,1,2,3\n0.005,1,2,3\n",
    ),
    "csv of a huge cell": ("a.csv", b"time_s,ax,ay,az\n0," + b"1" * 3_000_000 + b",2,3\n"),
    "parquet cut off": ("a.parquet", table(AXES)[:-20]),
    "parquet with an encrypted footer": ("a.parquet", b"PARE" + table(AXES)[4:-4] + b"PARE"),
    "parquet of an unknown codec": (
        "a.parquet",
        table(AXES).replace(b"\x02ax\x15\x02\x16", b"\x02ax\x15\x12\x16"),
    ),
    "parquet with a footer of 2 GB": ("a.parquet", table(AXES)[:-8] + b"\xff\xff\xff\x7fPAR1"),
    "parquet of lists": ("a.parquet", table({"ax": [[1.0], [2.0]], "ay": [[1.0], [2.0]]})),
    "parquet of words": ("a.parquet", table({name: ["a", "b"] for name in AXES})),
    "parquet of dictionaries": (
        "a.parquet",
        table({name: pa.array(["a", "b"]).dictionary_encode() for name in AXES}),
    ),
    "parquet without rows": ("a.parquet", table({name: pa.array([], "f8") for name in AXES})),
    "parquet without columns": ("a.parquet", table({})),
    "mat that is text": ("a.mat", b"MATLAB 5.0 MAT-file" + b" " * 120),
    "mat 7.3 that says it is huge": ("a.mat", hdf5((1 << 40, 3))),
    "mat 7.3 that is cut off": ("a.mat", hdf5((2000, 3))[:600]),
    "parquet that is text": ("a.parquet", b"PAR1 no PAR1"),
    "json that is none": ("a.json", b"{'payload': 1}"),
    "json too deep": ("a.json", DEEP),
    "json of another kind": ("a.json", b"[1, 2, 3]"),
    "json without payload": ("a.json", b'{"protected": {}}'),
    "interval of zero": ("a.json", changed(interval_ms=0)),
    "interval of no number": ("a.json", changed(interval_ms=float("nan"))),
    "interval of nothing at all": ("a.json", changed(interval_ms=1e-320)),
    "interval of true": ("a.json", changed(interval_ms=True)),
    "sensors without names": ("a.json", changed(sensors=[1, 2, 3])),
    "values of words": ("a.json", changed(values=[["a", "b", "c"]] * 9)),
    "values ragged": ("a.json", changed(values=[[1, 2, 3], [1, 2]])),
    "a key twice": ("a.json", changed().replace(b'"values"', b'"interval_ms": 1, "values"')),
    "values nested": ("a.json", changed(values=[[[1], 2, 3]] * 9)),
    "values too large": ("a.json", changed(values=[[10**400, 2, 3]] * 9)),
    "one row of values": ("a.json", changed(values=[[1, 2, 3]])),
    "cbor cut off": ("a.cbor", cbor2.dumps(acquisition(samples(count=10)))[:-5]),
    "cbor that says it is huge": ("a.cbor", b"\x9b\x7f" + b"\xff" * 7),
    "cbor bytes that say they are huge": ("a.cbor", b"\x5b\x00\x00\x00\xff\xff\xff\xff\xff"),
    "cbor too deep": ("a.cbor", b"\x81" * 100_000 + b"\x01"),
    "cbor of a fraction by nothing": ("a.cbor", b"\xd8\x1e\x82\x01\x00"),
    "cbor of a number without end": ("a.cbor", b"\xc5\x82\x1b" + b"\x7f" * 8 + b"\x03"),
    "cbor of a list as a key": ("a.cbor", b"\xa1\x81\x01\x01"),
    "cbor that is not UTF-8": ("a.cbor", b"\x62\xff\xfe"),
    "cbor with itself in it": ("a.cbor", b"\xd8\x1c\x81\xd8\x1d\x00"),
}


Damage = Callable[[bytes], bytes]
DAMAGES = st.one_of(
    st.floats(0, 1).map(lambda share: lambda data: data[: int(share * len(data))]),
    st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=64)).map(
        lambda spot: (
            lambda data: (
                data[: int(spot[0] * len(data))]
                + spot[1]
                + data[int(spot[0] * len(data)) + len(spot[1]) :]
            )
        )
    ),
    st.tuples(st.integers(0, 600), st.integers(0, 255)).map(
        lambda spot: lambda data: data[: spot[0]] + bytes([spot[1]]) + data[spot[0] + 1 :]
    ),
)
