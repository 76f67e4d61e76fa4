"""What the sketch of a board with an interpreter needs of a model: its operators and its bytes."""

from __future__ import annotations

from tinyops.conversion.images import sources
from tinyops.conversion.tflite.errors import ConversionError
from tinyops.conversion.tflite.flatbuffer import operator_name, read_model
from tinyops.conversion.tflite.tflm import TflmModel

LIBRARY = "Chirale_TensorFLowLite"
HEADER = "Chirale_TensorFlowLite.h"
# The interpreter of the sketch is of another version than the one that measured the arena.
ARENA_MARGIN = 4096
# Names of the methods of MicroMutableOpResolver; source: tensorflow/tflite-micro,
# tensorflow/lite/micro/micro_mutable_op_resolver.h.
_METHODS = {
    "ADD": "AddAdd",
    "AVERAGE_POOL_2D": "AddAveragePool2D",
    "CONCATENATION": "AddConcatenation",
    "CONV_2D": "AddConv2D",
    "DEPTHWISE_CONV_2D": "AddDepthwiseConv2D",
    "EXPAND_DIMS": "AddExpandDims",
    "FULLY_CONNECTED": "AddFullyConnected",
    "HARD_SWISH": "AddHardSwish",
    "LEAKY_RELU": "AddLeakyRelu",
    "LOGISTIC": "AddLogistic",
    "MAX_POOL_2D": "AddMaxPool2D",
    "MEAN": "AddMean",
    "MUL": "AddMul",
    "PAD": "AddPad",
    "PADV2": "AddPadV2",
    "QUANTIZE": "AddQuantize",
    "RELU": "AddRelu",
    "RELU6": "AddRelu6",
    "RESHAPE": "AddReshape",
    "SOFTMAX": "AddSoftmax",
    "SPLIT": "AddSplit",
    "SQUEEZE": "AddSqueeze",
    "STRIDED_SLICE": "AddStridedSlice",
    "SUB": "AddSub",
    "TANH": "AddTanh",
    "TRANSPOSE": "AddTranspose",
}


def methods_of(tflite: bytes) -> list[str]:
    """The resolver's methods for the model's operators, each once, in order.

    Raises
    ------
    ConversionError
        An operator that has no method here.
    """
    model = read_model(tflite)
    names = sorted({operator_name(model, node) for node in model.subgraphs[0].operators})
    missing = [name for name in names if name not in _METHODS]
    if missing:
        raise ConversionError(
            f"the sketch's interpreter is given no operator {missing[0]}",
            f"use layers of: {', '.join(_METHODS)}",
        )
    return [_METHODS[name] for name in names]


def model_files(tflite: bytes, model: TflmModel) -> dict[str, str]:
    """model_config.h, model_data.h and model_data.c of a canonical model."""
    methods = methods_of(tflite)
    config = {
        "MODEL_FEATURES": model.input_bytes,
        "MODEL_OUTPUTS": model.outputs,
        "MODEL_ARENA": -(-model.arena_bytes // 16) * 16 + ARENA_MARGIN,
    }
    adding = " ".join(f"(to).{method}();" for method in methods)
    return {
        "model_config.h": sources.config_header("TINYOPS_MODEL_CONFIG_H", config),
        "model_data.h": (
            "/* Generated. */\n#ifndef TINYOPS_MODEL_DATA_H\n#define TINYOPS_MODEL_DATA_H\n\n"
            f"#include <stdint.h>\n\n#define TFLM_OPERATORS {len(methods)}\n"
            f"#define TFLM_ADD(to) {adding}\n\n"
            '#ifdef __cplusplus\nextern "C" {\n#endif\n\n'
            f"extern const uint8_t model_data[{len(tflite)}];\n\n"
            "#ifdef __cplusplus\n}\n#endif\n\n#endif\n"
        ),
        "model_data.c": sources.bytes_source("model_data", tflite, "aligned(16)"),
    }
