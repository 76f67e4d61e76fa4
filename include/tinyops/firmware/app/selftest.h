/* Golden windows that travel in the image, with the logits that the reference gives for them. */
#ifndef TINYOPS_APP_SELFTEST_H
#define TINYOPS_APP_SELFTEST_H

#include "app_config.h"
#include "model.h"

extern const int16_t golden_windows[APP_GOLDEN][MODEL_WINDOW_VALUES];
extern const int8_t golden_logits[APP_GOLDEN][MODEL_OUTPUTS];

/* Run them all; returns how many give the expected bytes, and writes the logits found. */
int selftest_run(int8_t *logits);

#endif
