/* Frontend and model together, over the buffers that they share. */
#ifndef TINYOPS_APP_MODEL_H
#define TINYOPS_APP_MODEL_H

#include <stdint.h>

#include "frontend.h"
#include "runtime.h"

#define MODEL_WINDOW_VALUES (FRONTEND_WINDOW * FRONTEND_CHANNELS)

/* Logits of a raw window [FRONTEND_WINDOW][FRONTEND_CHANNELS]. */
void model_run_window(const int16_t *window, int8_t *logits);
/* The model's input that the last window gave. */
const int8_t *model_input(void);
/* Logits of MODEL_FEATURES values of model input. */
void model_run_features(const int8_t *features, int8_t *logits);

#endif
