/* Golden windows that travel in the image, with the logits that the reference gives for them. */
#ifndef TINYOPS_APP_SELFTEST_H
#define TINYOPS_APP_SELFTEST_H

#include "app_config.h"
#include "model.h"

extern const int16_t golden_windows[APP_GOLDEN_WINDOWS][MODEL_WINDOW_VALUES];
extern const int8_t golden_logits[APP_GOLDEN][MODEL_OUTPUTS];

/* Run them as one sequence of APP_GOLDEN: the model starts without state, each goes on from the one
 * before, and where windows are few they come round again. Returns how many give the expected
 * bytes, and writes the logits found. */
int selftest_run(int8_t *logits);

#endif
