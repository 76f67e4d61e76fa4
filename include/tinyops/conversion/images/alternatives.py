"""What to build a layer from where a runtime lacks its operator.

Each line is a form that TensorFlow's converter turns into operators which the ahead-of-time
compiler has (`operator_probe.aot_set`), unless it says that it is for boards with runtime tflm.
"""

from __future__ import annotations

_RELU = "ReLU or ReLU6, which fuse into the layer before"
_WINDOW = (
    "Conv1D or DepthwiseConv2D over the whole window; recurrent layers that TFLM has "
    "(UNIDIRECTIONAL_SEQUENCE_LSTM) only on boards with runtime tflm"
)
_STATE = "a model without state over the whole window: the frontend keeps the past samples"
_SHAPE = "fixed sizes and batch 1, so that the converter folds it, or one RESHAPE"
_POOL = "AveragePooling2D or MaxPooling2D with the whole map as pool_size"
_INT8 = "full integer conversion (TFLITE_BUILTINS_INT8, int8 input and output) without float layers"
_FOLD = "BatchNormalization right after a convolution, which folds into its weights"
_UP = "a smaller input from the frontend; going down, a strided Conv2D or AveragePooling2D"
_READER = "nothing: let the reader of the model's output do it"
_ARITHMETIC = "Add (residual) instead of products and joins of branches"

_GROUPS = (
    (_RELU, "HARD_SWISH GELU ELU LEAKY_RELU PRELU TANH RELU_N1_TO_1 RELU_0_TO_1"),
    (f"{_RELU}; as the last layer leave it to the reader of the logits", "LOGISTIC"),
    (
        _WINDOW,
        "LSTM UNIDIRECTIONAL_SEQUENCE_LSTM BIDIRECTIONAL_SEQUENCE_LSTM RNN "
        "UNIDIRECTIONAL_SEQUENCE_RNN BIDIRECTIONAL_SEQUENCE_RNN WHILE SVDF",
    ),
    (_STATE, "VAR_HANDLE READ_VARIABLE ASSIGN_VARIABLE CALL_ONCE IF"),
    (
        _SHAPE,
        "SHAPE STRIDED_SLICE SLICE PACK UNPACK SPLIT SPLIT_V GATHER GATHER_ND TRANSPOSE "
        "EXPAND_DIMS SQUEEZE BROADCAST_TO BROADCAST_ARGS FILL RANGE RANK TILE REVERSE_V2",
    ),
    (_POOL, "MEAN SUM REDUCE_MAX REDUCE_MIN REDUCE_PROD L2_POOL_2D"),
    (_INT8, "QUANTIZE DEQUANTIZE CAST FAKE_QUANT"),
    (_FOLD, "SUB DIV SQUARED_DIFFERENCE RSQRT SQRT L2_NORMALIZATION LOCAL_RESPONSE_NORMALIZATION"),
    (_UP, "RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR TRANSPOSE_CONV DEPTH_TO_SPACE SPACE_TO_DEPTH"),
    (
        _READER,
        "ARG_MAX ARG_MIN TOPK_V2 LOG_SOFTMAX NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 ONE_HOT",
    ),
    (_ARITHMETIC, "MUL CONCATENATION ADD_N MAXIMUM MINIMUM"),
    ("SOFTMAX as the last layer only, where it is taken off", "SOFTMAX"),
    ("Dense on a flat input", "BATCH_MATMUL"),
    ("Conv2D with the third axis in the channels", "CONV_3D CONV_3D_TRANSPOSE"),
    ("ZeroPadding2D, or padding='same' in the convolution", "MIRROR_PAD SPACE_TO_BATCH_ND"),
    ("dilation 1, or a larger kernel", "BATCH_TO_SPACE_ND"),
    (
        "one-hot input from the frontend and Dense",
        "EMBEDDING_LOOKUP EMBEDDING_LOOKUP_SPARSE HASHTABLE_LOOKUP",
    ),
    ("the spectrum of the frontend", "RFFT2D COMPLEX_ABS REAL IMAG"),
)
ALTERNATIVES = {name: advice for advice, names in _GROUPS for name in names.split()}
_FLEX = "Flex"


def instead_of(operator: str, in_tflm: bool) -> str:
    """What to use where the ahead-of-time compiler lacks an operator."""
    if operator in ALTERNATIVES:
        return ALTERNATIVES[operator]
    if operator.startswith(_FLEX):
        return (
            f"Keras layers that convert without SELECT_TF_OPS: {operator} needs TensorFlow itself"
        )
    if in_tflm:
        return "a board with runtime tflm, or Conv2D, DepthwiseConv2D, Dense, Add and pooling"
    return "Conv2D, DepthwiseConv2D, Dense, Add and pooling"
