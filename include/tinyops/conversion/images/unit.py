"""The compiled model as one C file, a function for each step.

gcc then sees all kernels with their callers: it drops what a model does not use of a kernel, clones
the rest for constant arguments, inlines. On the five MLPerf Tiny models that saves instructions and
flash (docs/on-the-chip.md). A step that is *specialised* has all that it calls inlined into it: a
kernel for this layer's shape alone, faster for most layers, and a copy of the code for each.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tinyops.conversion.images.aot import NAME, AotModel
from tinyops.conversion.tflite.errors import ConversionError

FLAGS = (
    "-fwhole-program",
    "--param",
    "ipa-cp-unit-growth=500",
    "--param",
    "ipa-cp-eval-threshold=1",
)
"""What is not the entry may be changed at will, and cloned for each set of constants."""

_COMMENT = re.compile(r"/\*.*?\*/", re.S)
_ENTRY = f"bknn_{NAME}_infer"
_PARAMETERS = (
    "uint8_t *BKNN_RESTRICT arena, const int8_t *BKNN_RESTRICT input, int8_t *BKNN_RESTRICT output"
)


def write_unit(model: AotModel, folder: Path, specialised: Sequence[int] = ()) -> Path:
    """Write unit.c.

    Parameters
    ----------
    specialised
        Numbers of the steps, as in `model.steps`, that get a kernel of their own.

    Raises
    ------
    ConversionError
        bakenn's C has another form than that of version 1.0.0.
    """
    source, *parts = model.sources
    head, statements = _parse(source.read_text())
    if len(statements) != len(model.steps):
        raise ConversionError(
            f"bakenn's C has {len(statements)} steps, its report {len(model.steps)}",
            "use bakenn 1.0.0",
        )
    functions = [
        f"static __attribute__((noinline{', flatten' if number in specialised else ''})) "
        f"void step_{number}({_PARAMETERS}) {{\n"
        f"  (void)arena, (void)input, (void)output;\n  {statement}\n}}\n"
        for number, statement in enumerate(statements)
    ]
    calls = "".join(
        f"  step_{number}(arena, input, output);\n  STEP_DONE();\n"
        for number in range(len(statements))
    )
    text = (
        "/* Generated. */\n"
        "#ifdef PROFILED\nvoid step_done(void);\n#define STEP_DONE() step_done()\n"
        "#else\n#define STEP_DONE() (void)0\n#endif\n"
        + "".join(f'#include "{part.relative_to(source.parent)}"\n' for part in parts)
        + f"{head}\n"
        + "\n".join(functions)
        + f"\n__attribute__((externally_visible)) void {_ENTRY}({_PARAMETERS}) {{\n{calls}}}\n"
    )
    unit = folder / "unit.c"
    folder.mkdir(parents=True, exist_ok=True)
    unit.write_text(text)
    return unit


def _parse(text: str) -> tuple[str, list[str]]:
    """What stands before the entry, and the entry's statements but the first, `(void)arena;`."""
    head, found, rest = _COMMENT.sub("", text).partition(f"void {_ENTRY}(")
    _, opened, body = rest.partition("{")
    statements = [each.strip() for each in body.rpartition("}")[0].split(";")]
    if not found or not opened or statements[0] != "(void)arena" or statements[-1]:
        raise ConversionError("bakenn's C has no entry of the known form", "use bakenn 1.0.0")
    return head, [f"{each};" for each in statements[1:-1]]
