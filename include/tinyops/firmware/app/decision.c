#include "decision.h"

#include "parameters.h"

static decision_state state = {.last_class = DECISION_NONE};

static uint8_t confidence(const int32_t *values, int outputs, int32_t highest,
                          const parameter_block *block) {
  uint32_t sum = 0;
  for (int i = 0; i < outputs; i++) {
    const int32_t steps = highest - values[i];
    sum += block->exponent_q15[steps < 255 ? steps : 255];
  }
  const uint32_t share = sum == 0 ? 0 : ((uint32_t)block->exponent_q15[0] << 8) / sum;
  return (uint8_t)(share < 255 ? share : 255);
}

void decision_add(const int8_t *logits, int outputs) {
  if (outputs > LINK_MAX_CLASSES) {
    return;
  }
  const parameter_block *block = parameters();
  int32_t values[LINK_MAX_CLASSES];
  int best = 0;
  for (int i = 0; i < outputs; i++) {
    values[i] = logits[i] + (block != NULL ? block->class_offset[i] : 0);
    if (values[i] > values[best]) {
      best = i;
    }
  }
  state.windows++;
  state.counts[best]++;
  state.last_class = (uint8_t)best;
  state.confidence_q8 = block != NULL ? confidence(values, outputs, values[best], block) : 0;
}

const decision_state *decision(void) { return &state; }
