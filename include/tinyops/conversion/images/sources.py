"""C that is generated for one image: sizes, header, golden windows, parameter block."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyops.sketches.sketch import SketchSpec

_NOTE = "/* Generated. */\n"


def config_header(guard: str, defines: Mapping[str, int | str]) -> str:
    """A header of macros: integers, and initialisers as text."""
    lines = "".join(f"#define {name} {value}\n" for name, value in defines.items())
    return f"{_NOTE}#ifndef {guard}\n#define {guard}\n\n{lines}\n#endif\n"


def header_source(header: bytes) -> str:
    """The image header as bytes in its own section; patched after linking."""
    return bytes_source("image_header", header, 'section(".image_header"), aligned(4)')


def parameters_source(block: bytes) -> str:
    """The factory parameter block in its own flash section."""
    return bytes_source("factory_parameters", block, 'section(".parameters"), used')


def bytes_source(name: str, content: bytes, attributes: str) -> str:
    """Bytes as a constant array."""
    return (
        f"{_NOTE}#include <stdint.h>\n\n"
        f"const uint8_t {name}[] __attribute__(({attributes})) = {{\n"
        f"{_rows(np.frombuffer(content, np.uint8))}}};\n"
    )


def golden_source(windows: NDArray[np.int16], logits: NDArray[np.int8]) -> str:
    """Golden windows [n, W, C], and the logits [steps, outputs] of the sequence that runs them."""
    return (
        f'{_NOTE}#include "selftest.h"\n\n'
        "const int16_t golden_windows[APP_GOLDEN_WINDOWS][MODEL_WINDOW_VALUES] = {\n"
        + "".join(f"{{\n{_rows(window.ravel())}}},\n" for window in windows)
        + "};\n\nconst int8_t golden_logits[APP_GOLDEN][MODEL_OUTPUTS] = {\n"
        + "".join(f"{{\n{_rows(row)}}},\n" for row in logits)
        + "};\n"
    )


def sketch_header(sketch: SketchSpec) -> str:
    """`sketch_tables.h`: the number of values in the model's input, and what is declared of it."""
    return (
        f"{_NOTE}#ifndef TINYOPS_SKETCH_TABLES_H\n#define TINYOPS_SKETCH_TABLES_H\n\n"
        f"#include <stdint.h>\n\n#define SKETCH_SIZE {sketch.size}\n\n"
        "extern const int8_t sketch_center[SKETCH_SIZE];\n"
        "extern const int8_t sketch_weights[2][SKETCH_SIZE];\n"
        "extern const uint32_t sketch_norms[2];\n\n#endif\n"
    )


def sketch_source(sketch: SketchSpec) -> str:
    """The tables themselves."""
    first, second = sketch.weights
    return (
        f'{_NOTE}#include "sketch_tables.h"\n\n'
        f"const int8_t sketch_center[SKETCH_SIZE] = {{\n{_rows(sketch.center)}}};\n\n"
        "const int8_t sketch_weights[2][SKETCH_SIZE] = "
        f"{{{{\n{_rows(first)}}},\n{{\n{_rows(second)}}}}};\n\n"
        f"const uint32_t sketch_norms[2] = {{\n{_rows(sketch.norms)}}};\n"
    )


def write(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """Write files; the .c among them, in order."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return [folder / name for name in files if name.endswith(".c")]


def _rows(values: NDArray) -> str:
    texts = [str(int(value)) for value in values]
    rows = (texts[start : start + 20] for start in range(0, len(texts), 20))
    return "".join(f"{', '.join(row)},\n" for row in rows)
