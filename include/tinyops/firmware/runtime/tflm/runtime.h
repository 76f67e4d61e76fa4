/* The model as a .tflite beside the firmware, run by the board's TensorFlow Lite Micro. */
#ifndef TINYOPS_RUNTIME_H
#define TINYOPS_RUNTIME_H

#include <stdint.h>

#include "model_config.h"

/* The board gives these functions. */
/* Logits [MODEL_OUTPUTS] of model input [MODEL_FEATURES]. */
void runtime_infer(const int8_t *features, int8_t *logits);
/* Forget what earlier inputs have left in the model's state, as at boot. */
void runtime_reset(void);

#endif
