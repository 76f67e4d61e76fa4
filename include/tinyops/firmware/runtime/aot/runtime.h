/* The model as compiled C: sizes from the ahead-of-time compiler. */
#ifndef TINYOPS_RUNTIME_H
#define TINYOPS_RUNTIME_H

#include <stdint.h>

#include "bknn_model.h"

#define MODEL_FEATURES ((int)BKNN_MODEL_INPUT_BYTES)
#define MODEL_OUTPUTS ((int)BKNN_MODEL_OUTPUT_BYTES)

/* Logits [MODEL_OUTPUTS] of model input [MODEL_FEATURES]. */
void runtime_infer(const int8_t *features, int8_t *logits);
/* Forget what earlier inputs have left in the model's state, as at boot. */
void runtime_reset(void);

#endif
