"""The tables of results/on_the_chip.json: instructions, what was tried, memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.page_tables import row, table

BOARDS = ("nano33ble-sense", "sparkfun-edge2", "himax-we1-plus", "esp-eye")

Models = Mapping[str, dict[str, Any]]


def speed(models: Models) -> list[str]:
    """Instructions beside what was to be reached and what others have published."""
    rows = table(
        "model",
        "as released, M",
        "tuned, M",
        "to reach, M",
        "best published, M cycles",
        "by",
        "inputs with TFLM's bytes",
    )
    for model in models.values():
        best = model["published"]
        rows.append(
            row(
                model["title"],
                millions(model["instructions_default"]),
                millions(model["instructions"]),
                f"{model['wanted_millions']:g}",
                f"{best['million_cycles']:.2f}" if best else "-",
                f"{best['submitter']}, {best['system']}, {best['version']}" if best else "-",
                f"{model['same_bytes']} of {model['samples']}",
            )
        )
    return rows


def dominating(models: Models) -> list[str]:
    """What kinds of layers the instructions go into."""
    kinds = sorted(
        {kind for model in models.values() for kind in model["by_kernel"]},
        key=lambda kind: -sum(model["by_kernel"].get(kind, 0) for model in models.values()),
    )
    rows = table("share of the tuned build", *(kind.replace("_", " ") for kind in kinds))
    for model in models.values():
        shares = (model["by_kernel"].get(kind, 0) for kind in kinds)
        rows.append(row(model["title"], *(f"{share:.1%}" if share else "-" for share in shares)))
    return rows


def layers(models: Models) -> list[str]:
    """The largest layers of each."""
    rows = table("model", "layer", "kernel", "share", text=3)
    for model in models.values():
        for each in model["largest"]:
            rows.append(row(model["title"], each["layer"], each["kernel"], f"{each['share']:.1%}"))
    return rows


def tried(models: Models) -> list[str]:
    """Every build of the search: million instructions, kB of the model's code and constants."""
    rows = table(
        "M instructions / kB",
        "-O2 shared",
        "-O2 own",
        "-O2 mixed",
        "-O3 shared",
        "-O3 own",
        "-O3 mixed",
    )
    for model in models.values():
        rows.append(
            row(
                model["title"],
                *(
                    f"{millions(each['instructions'])} / {each['model_bytes'] / 1000:.1f}"
                    for each in model["tried"]
                ),
            )
        )
    return rows


def memory(models: Models) -> list[str]:
    """Flash and RAM of the released image by section, kB."""
    parts = {
        "code": "code",
        "constants": "constants",
        "initial_data": "initial data",
        "flash": "flash, all",
        "arena_and_buffers": "arena, buffers",
        "stack_reserved": "stack",
        "ram": "RAM, all",
    }
    rows = table("kB", *parts.values(), "flash, tuned", "stack in use, bytes")
    for model in models.values():
        sizes = model["memory_default"]
        rows.append(
            row(
                model["title"],
                *(kilobytes(sizes[part]) for part in parts),
                kilobytes(model["memory"]["flash"]),
                f"{model['stack_in_use']:,}",
            )
        )
    return rows


def beside_tflm(models: Models) -> list[str]:
    """The model alone: compiled, and as TensorFlow Lite Micro has it."""
    rows = table("kB", "code and constants", "tuned", ".tflite for TFLM", "arena", "TFLM's arena")
    for model in models.values():
        rows.append(
            row(
                model["title"],
                kilobytes(model["model_bytes_default"]),
                kilobytes(model["model_bytes"]),
                kilobytes(model["tflite_bytes"]),
                kilobytes(model["arena"]),
                kilobytes(model["tflm_arena"]),
            )
        )
    return rows


def fits(models: Models) -> list[str]:
    """`tinyops fit` on each board."""
    rows = table("model", *BOARDS)
    for model in models.values():
        rows.append(row(model["title"], *("yes" if model["fits"][b] else "no" for b in BOARDS)))
    return rows


TABLES: dict[str, Callable[[Models], list[str]]] = {
    each.__name__: each for each in (speed, dominating, layers, tried, memory, beside_tflm, fits)
}


def millions(count: int) -> str:
    """`7.12`, or `0.571`."""
    return f"{count / 1e6:.3g}" if count < 1e6 else f"{count / 1e6:.2f}"


def kilobytes(count: int) -> str:
    """In 1000 bytes."""
    return f"{count / 1000:.1f}"


def blocks(result: dict[str, Any]) -> dict[str, list[str]]:
    """Each table by its name."""
    return {name: made(result["figures"]["models"]) for name, made in TABLES.items()}
