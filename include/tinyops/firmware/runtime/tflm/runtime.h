/* The model as a .tflite beside the firmware, run by the board's TensorFlow Lite Micro. */
#ifndef TINYOPS_RUNTIME_H
#define TINYOPS_RUNTIME_H

#include <stdint.h>

#include "model_config.h"

/* Logits [MODEL_OUTPUTS] of model input [MODEL_FEATURES]. The board gives this function. */
void runtime_infer(const int8_t *features, int8_t *logits);

#endif
