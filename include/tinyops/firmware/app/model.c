#include "model.h"

#include <stddef.h>

_Static_assert(FRONTEND_OUTPUT == MODEL_FEATURES, "the frontend does not fill the model's input");

static int8_t features_of_window[MODEL_FEATURES];
#if BKNN_MODEL_ARENA_SIZE > 0
static uint8_t arena[BKNN_MODEL_ARENA_SIZE] __attribute__((aligned(BKNN_MODEL_ARENA_ALIGNMENT)));
#else
#define arena NULL
#endif

void model_run_window(const int16_t *window, int8_t *logits) {
  frontend_run(window, features_of_window);
  bknn_model_infer(arena, features_of_window, logits);
}

const int8_t *model_input(void) { return features_of_window; }

void model_run_features(const int8_t *features, int8_t *logits) {
  bknn_model_infer(arena, features, logits);
}
