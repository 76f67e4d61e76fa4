"""Options that a converter has left out, and the versions of operators.

An operator whose options are all defaults may come without any; TensorFlow Lite then takes the
defaults, bakenn 1.0 refuses it. A version only says which features an operator may use: bakenn
refuses each feature that it lacks by name, and knows one version of each operator.
"""

from __future__ import annotations

from typing import Any

from tinyops.conversion.tflite.flatbuffer import builtin_code, operator_name, schema_module
from tinyops.conversion.tflite.rewrites.graph import code_index

DEFAULTS = {
    "ADD": "AddOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "PAD": "PadOptions",
    "PADV2": "PadV2Options",
}
"""Operators whose options may be missing. Convolutions and pools need theirs: a stride of 0 is
refused by every runtime."""

VERSIONS = {
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "ADD": 2,
    "AVERAGE_POOL_2D": 2,
    "MAX_POOL_2D": 2,
    "RESHAPE": 1,
    "PAD": 2,
    "PADV2": 2,
}
"""Of INT8 operators, as bakenn 1.0 takes them (frontends/tflite/importer.py)."""

LINEAR_VERSION, LINEAR_VERSION_WITHOUT_BIAS = 4, 6


def fill_options(model: Any) -> list[str]:
    """Give operators the options that are missing, the version of plain INT8 and both codes."""
    schema = schema_module()
    for code in model.operatorCodes:
        # Files of schema 3 have the code in a signed byte, which newer ones repeat or leave at 0.
        # bakenn 1.0 reads that byte alone, and 0 is ADD.
        code.builtinCode = max(code.builtinCode, code.deprecatedBuiltinCode)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    for operator in model.subgraphs[0].operators:
        name = operator_name(model, operator)
        options = DEFAULTS.get(name)
        if options is not None and operator.builtinOptions is None:
            operator.builtinOptions = getattr(schema, f"{options}T")()
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, options)
        version = VERSIONS.get(name)
        if name == "FULLY_CONNECTED":
            biased = len(operator.inputs) > 2 and operator.inputs[2] >= 0
            version = LINEAR_VERSION if biased else LINEAR_VERSION_WITHOUT_BIAS
        if version is not None:
            operator.opcodeIndex = code_index(model, builtin_code(model, operator), version)
    return []
