#include "model.h"

_Static_assert(FRONTEND_OUTPUT == MODEL_FEATURES, "the frontend does not fill the model's input");

static int8_t features_of_window[MODEL_FEATURES];

void model_run_window(const int16_t *window, int8_t *logits) {
  frontend_run(window, features_of_window);
  runtime_infer(features_of_window, logits);
}

const int8_t *model_input(void) { return features_of_window; }

void model_run_features(const int8_t *features, int8_t *logits) { runtime_infer(features, logits); }
