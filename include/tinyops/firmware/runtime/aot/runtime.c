#include "runtime.h"

#include <stddef.h>

#if BKNN_MODEL_ARENA_SIZE > 0
static uint8_t arena[BKNN_MODEL_ARENA_SIZE] __attribute__((aligned(BKNN_MODEL_ARENA_ALIGNMENT)));
#else
#define arena NULL
#endif

void runtime_infer(const int8_t *features, int8_t *logits) {
  bknn_model_infer(arena, features, logits);
}

/* The compiler, bakenn 1.0, takes no operator that keeps a state. */
void runtime_reset(void) {}
