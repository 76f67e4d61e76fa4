"""The constants that an exported sketch's CRC is over, and that CRC."""

from __future__ import annotations

import ctypes
import math
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tinyops.conversion.images.toolchain import STRICT
from tinyops.conversion.tflite.errors import CompilerMissing, ConversionError
from tinyops.environment import bare_environment

_ARRAY = re.compile(r"^extern const (\w+) (\w+)((?:\[\w+\])+);", re.M)
_BYTES = {"int8_t": 1, "uint8_t": 1, "int16_t": 2, "uint16_t": 2, "int32_t": 4, "uint32_t": 4}


def arrays_in(header: str) -> list[str]:
    """Names of the constant arrays that a header declares."""
    return [name for _, name, _ in _ARRAY.findall(header)]


def require_all(headers: Sequence[str], constant_bytes: int) -> None:
    """ConversionError if the arrays of a compiled model are not all its constants."""
    found = 0
    for kind, _, sizes in (one for header in headers for one in _ARRAY.findall(header)):
        found += _BYTES.get(kind, 4) * math.prod(map(int, re.findall(r"\d+", sizes)))
    if found != constant_bytes:
        raise ConversionError(
            f"the compiled model has {constant_bytes} bytes of constants, its headers name {found}",
            "use bakenn 1.0.0",
        )


def attested_source(headers: Sequence[str], arrays: Sequence[str]) -> str:
    """`attested.c`: the image header and the factory block, then `arrays` of `headers`."""
    includes = "".join(f'#include "{name}"\n' for name in headers)
    parts = "".join(f"    {{{name}, sizeof {name}}},\n" for name in arrays)
    return (
        f'/* Generated. */\n#include "attested.h"\n#include "image.h"\n{includes}\n'
        '#include "parameters.h"\n\n'
        "extern const uint8_t factory_parameters[];\n\n"
        "const attested_part attested_parts[] = {\n"
        "    {&image_header, sizeof image_header},\n"
        "    {factory_parameters, sizeof(parameter_block)},\n"
        f"{parts}}};\n\n"
        "const size_t attested_count = sizeof attested_parts / sizeof *attested_parts;\n"
    )


def attest(files: Mapping[str, bytes], sources: Sequence[str]) -> tuple[int, int]:
    """(bytes, CRC-32) as the device will find them, from the device's own code built for this host.

    Parameters
    ----------
    files
        {name: content} of one folder, with attested.c and arduino_image.c.
    sources
        Those that define the constants.

    Raises
    ------
    CompilerMissing, ConversionError
        No compiler, or it refuses a source.
    """
    code = ("attested.c", "arduino_image.c", "crc.c")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        library = folder / "attested.so"
        command = ["gcc", "-std=c11", "-O1", "-fPIC", "-shared", *STRICT, f"-I{folder}"]
        command += [*(str(folder / name) for name in (*code, *sources)), "-o", str(library)]
        try:
            done = subprocess.run(
                command, env=bare_environment(), capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            raise CompilerMissing("no gcc", "install gcc and libc6-dev (packages.txt)") from None
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if "error" in line]
            raise ConversionError(f"gcc: {(lines or ['no reason given'])[0]}")
        loaded = ctypes.CDLL(str(library))
        loaded.image_boot_crc.restype = ctypes.c_uint32
        loaded.image_check()
        crc = int(loaded.image_boot_crc())
        return _total_size(loaded), crc


class _Part(ctypes.Structure):
    _fields_ = (("start", ctypes.c_void_p), ("size", ctypes.c_size_t))


def _total_size(library: ctypes.CDLL) -> int:
    count = ctypes.c_size_t.in_dll(library, "attested_count").value
    return sum(part.size for part in (_Part * count).in_dll(library, "attested_parts"))
