"""Damaged and hostile files end in one line that names the file; nothing else happens."""

from __future__ import annotations

import io
import json
import pickle
import resource
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import cbor2
import h5py
import numpy as np
import pytest
from foreign_files import NAMES, RATE, WRITERS, acquisition, csv_text, samples, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinyops.data.importers import SUFFIXES, Description, ImportRefused, import_file
from tinyops.data.recording import RecordingError
from tinyops.projects import Project, load_project

SAID = Description(machine="m", channels=NAMES, gain=1.0, rate_hz=RATE, recorded_at="file")


@pytest.fixture(scope="module")
def project() -> Project:
    base = load_project("motor_health").model_dump()
    base["signal"] |= {"channels": list(NAMES), "rate_hz": RATE, "full_scale": [40.0] * 3}
    return Project.model_validate(base)


@contextmanager
def little_memory(extra: int = 2 << 30) -> Iterator[None]:
    """An allocation of more than `extra` bytes beyond today's fails instead of filling the host."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + extra, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def npz(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def resized(archive: bytes, size: int) -> bytes:
    """The archive, its first entry said to unpack to `size` bytes."""
    at = archive.index(b"PK\x01\x02") + 24
    return archive[:at] + size.to_bytes(4, "little") + archive[at + 4 :]


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array)
    return buffer.getvalue()


def npy_header(shape: tuple[int, ...], content: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue() + content


class Runs:
    """Unpickled, it would leave a file."""

    def __init__(self, trace: str) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path(self.trace).write_text, ("executed",)


def hdf5(shape: tuple[int, ...]) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_dataset("signal", shape, "f8", chunks=(1024, 1), compression="gzip")
    return buffer.getvalue()


def changed(**payload: Any) -> bytes:
    content = acquisition(samples(count=10))
    content["payload"] |= payload
    return json.dumps(content).encode()


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
    "mat that is text": ("a.mat", b"MATLAB 5.0 MAT-file" + b" " * 120),
    "mat 7.3 that says it is huge": ("a.mat", hdf5((1 << 40, 3))),
    "mat 7.3 that is cut off": ("a.mat", hdf5((2000, 3))[:600]),
    "parquet that is text": ("a.parquet", b"PAR1 no PAR1"),
    "json that is none": ("a.json", b"{'payload': 1}"),
    "json too deep": ("a.json", DEEP),
    "json of another kind": ("a.json", b"[1, 2, 3]"),
    "json without payload": ("a.json", b'{"protected": {}}'),
    "interval of zero": ("a.json", changed(interval_ms=0)),
    "interval of true": ("a.json", changed(interval_ms=True)),
    "sensors without names": ("a.json", changed(sensors=[1, 2, 3])),
    "values of words": ("a.json", changed(values=[["a", "b", "c"]] * 9)),
    "values ragged": ("a.json", changed(values=[[1, 2, 3], [1, 2]])),
    "values nested": ("a.json", changed(values=[[[1], 2, 3]] * 9)),
    "values too large": ("a.json", changed(values=[[10**400, 2, 3]] * 9)),
    "one row of values": ("a.json", changed(values=[[1, 2, 3]])),
    "cbor cut off": ("a.cbor", cbor2.dumps(acquisition(samples(count=10)))[:-5]),
    "cbor that says it is huge": ("a.cbor", b"\x9b\x7f" + b"\xff" * 7),
    "cbor bytes that say they are huge": ("a.cbor", b"\x5b\x00\x00\x00\xff\xff\xff\xff\xff"),
    "cbor too deep": ("a.cbor", b"\x81" * 100_000 + b"\x01"),
    "cbor with itself in it": ("a.cbor", b"\xd8\x1c\x81\xd8\x1d\x00"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_it_ends_in_one_line_that_names_the_file(
    case: str, tmp_path: Path, project: Project
) -> None:
    name, content = HOSTILE[case]
    path = tmp_path / name
    path.write_bytes(content)
    with little_memory(), pytest.raises(ImportRefused) as caught:
        list(import_file(path, replace(SAID, rate_hz=None), project))
    assert name in caught.value.message
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == [path]


def test_no_pickle_is_ever_opened(tmp_path: Path, project: Project) -> None:
    trace = tmp_path / "trace"
    objects = np.array([Runs(str(trace))] * 5, object)
    path = tmp_path / "a.npz"
    np.savez(path, signal=objects)
    with np.load(path, allow_pickle=True) as content:
        content["signal"]
    assert trace.exists(), "the file is as dangerous as it should be"
    trace.unlink()
    with pytest.raises(ImportRefused):
        list(import_file(path, SAID, project))
    path.write_bytes(pickle.dumps(Runs(str(trace))))
    with pytest.raises(ImportRefused):
        list(import_file(path, SAID, project))
    assert not trace.exists()


def outcome(path: Path, project: Project) -> str:
    """What was found, or why it was refused."""
    try:
        return f"{len(list(import_file(path, SAID, project)))} recordings"
    except (ImportRefused, RecordingError) as error:
        return str(error)


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


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("valid")
    return {name: write(folder, name, samples(count=64)).read_bytes() for name in WRITERS}


@pytest.mark.parametrize("name", WRITERS)
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(damage=DAMAGES)
def test_damage_anywhere_gives_a_recording_or_a_line(
    name: str, damage: Damage, valid: dict[str, bytes], tmp_path: Path, project: Project
) -> None:
    path = tmp_path / name
    path.write_bytes(damage(valid[name]))
    with little_memory():
        said = outcome(path, project)
    assert "\n" not in said
    assert list(tmp_path.iterdir()) == [path]


def test_every_kind_of_file_is_damaged_here() -> None:
    assert {Path(name).suffix for name in WRITERS} == set(SUFFIXES)
