"""Write the C configuration and tables of one frontend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyops.frontend.spec import FrontendSpec

CORE = Path(__file__).resolve().parents[1] / "firmware" / "frontend"
_CORE_SOURCES = {
    "identity": ("frontend_identity.c",),
    "samples": ("frontend_samples.c",),
    "spectrum": ("frontend_spectrum.c", "fft.c"),
}
_C_TYPES = {"float32": "float", "int32": "int32_t", "int16": "int16_t"}


def config_header(spec: FrontendSpec, defines: Mapping[str, int]) -> str:
    """`frontend_config.h`: every size and constant is an integer macro."""
    values = {
        "WINDOW": spec.window,
        "HOP": spec.hop,
        "CHANNELS": spec.channels,
        "OUTPUT": spec.output_size,
        **defines,
    }
    lines = [
        f"#define FRONTEND_{name} {value if value >= 0 else f'({value})'}"
        for name, value in values.items()
    ]
    return (
        f"/* Generated for a frontend of kind {spec.kind}. */\n"
        "#ifndef TINYOPS_FRONTEND_CONFIG_H\n#define TINYOPS_FRONTEND_CONFIG_H\n\n"
        + "\n".join(lines)
        + "\n\n#endif\n"
    )


def tables_source(tables: Mapping[str, NDArray]) -> str:
    """`frontend_tables.c`: constant arrays, floats as exact hexadecimal literals."""
    head = '/* Generated tables. */\n#include "frontend_tables.h"\n'
    if not tables:
        # ISO C wants at least one declaration in a file.
        return head + "\nextern const int frontend_has_no_tables;\n"
    return head + "".join(
        f"\nconst {_C_TYPES[table.dtype.name]} frontend_{name}[{table.size}] = {{\n"
        f"{_rows(_literals(table))}}};\n"
        for name, table in tables.items()
    )


def tables_header(tables: Mapping[str, NDArray]) -> str:
    """`frontend_tables.h`: the declarations of those arrays."""
    lines = [
        f"extern const {_C_TYPES[table.dtype.name]} frontend_{name}[{table.size}];"
        for name, table in tables.items()
    ]
    return (
        "/* Generated tables. */\n#ifndef TINYOPS_FRONTEND_TABLES_H\n"
        "#define TINYOPS_FRONTEND_TABLES_H\n\n#include <stdint.h>\n\n"
        + "\n".join(lines)
        + "\n\n#endif\n"
    )


def write_sources(
    spec: FrontendSpec, defines: Mapping[str, int], tables: Mapping[str, NDArray], out_dir: Path
) -> list[Path]:
    """Write the generated files and return every C source to compile: core, then tables."""
    out_dir.mkdir(parents=True, exist_ok=True)
    (out_dir / "frontend_config.h").write_text(config_header(spec, defines))
    (out_dir / "frontend_tables.h").write_text(tables_header(tables))
    generated = out_dir / "frontend_tables.c"
    generated.write_text(tables_source(tables))
    return [*(CORE / name for name in _CORE_SOURCES[spec.kind]), generated]


def _literals(table: NDArray) -> list[str]:
    if table.dtype == np.float32:
        return [f"{float(value).hex()}f" for value in table.ravel()]
    return [str(int(value)) for value in table.ravel()]


def _rows(literals: Sequence[str]) -> str:
    rows = (literals[start : start + 6] for start in range(0, len(literals), 6))
    return "".join(f"    {', '.join(row)},\n" for row in rows)
