#include "selftest.h"

#include <string.h>

int selftest_run(int8_t *logits) {
  int passed = 0;
  runtime_reset();
  for (int i = 0; i < APP_GOLDEN; i++, logits += MODEL_OUTPUTS) {
    model_run_window(golden_windows[i % APP_GOLDEN_WINDOWS], logits);
    passed += memcmp(logits, golden_logits[i], MODEL_OUTPUTS) == 0;
  }
  runtime_reset();
  return passed;
}
