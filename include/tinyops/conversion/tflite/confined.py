"""TensorFlow Lite Micro, LiteRT and the reader of .tflite files, confined: what a user reads when
one of them falls over a model."""

from __future__ import annotations

from typing import Any

from tinyops import confinement
from tinyops.confinement import Fall, Limits, Terms
from tinyops.conversion.tflite.errors import (
    CompilerMissing,
    ConversionError,
    DoesNotFit,
    ProofFailed,
)

DEFAULT = Limits()


def explain(what: str, fall: Fall) -> ConversionError:
    """The error of a runtime that could not take a model."""
    match fall.kind:
        case "memory":
            message = f"{what} needs more than {fall.detail} for the model"
            fix = "make its tensors smaller: no board has a hundredth of that"
        case "time":
            message = f"{what} takes more than {fall.detail} for the model"
            fix = "make the model smaller"
        case "answer":
            message = f"{what} gives {fall.detail} for the model"
            fix = "give a smaller model"
        case "crash":
            how, colon, said = fall.detail.partition(": ")
            message = f"{what} crashes on the model ({how}){colon}{said}"
            fix = "export it again with a current converter; `tinyops ops` lists its operators"
        case "exception":
            message, fix = f"{what} cannot take the model: {fall.detail}", "export the model again"
    return ConversionError(message, fix)


TERMS = Terms(
    preload=(
        "ai_edge_litert.interpreter",
        "tflite_micro",
        "tinyops.conversion.tflite.equality",
        "tinyops.conversion.tflite.operator_probe",
        "tinyops.conversion.tflite.tflm_interpreter",
    ),
    errors=(ConversionError, CompilerMissing, DoesNotFit, ProofFailed),
    explain=explain,
)


class Confined(confinement.Confined):
    """A runtime with a model; raises ConversionError and its kinds."""

    def __init__(self, what: str, target: str, *arguments: Any, limits: Limits = DEFAULT) -> None:
        super().__init__(what, target, *arguments, terms=TERMS, limits=limits)


def confine(what: str, target: str, *arguments: Any, limits: Limits = DEFAULT) -> Any:
    """The result of a function, run once; as `confinement.confine` on these terms."""
    return confinement.confine(what, target, *arguments, terms=TERMS, limits=limits)
