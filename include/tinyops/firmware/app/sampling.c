#include "sampling.h"

#include "app_config.h"

#if APP_SAMPLING
#include <string.h>

#include "board.h"
#include "decision.h"
#include "image.h"
#include "model.h"
#include "monitor.h"
#include "runtime.h"

static int16_t window[MODEL_WINDOW_VALUES];
static size_t filled; /* values of the window that are there */
static bool asked;
static uint32_t ticks; /* that the last window took */

/* Frames of one transfer, at most; a longer window comes in several. */
#define MOST_FRAMES 65535u

static size_t asked_values(void) {
  const size_t frames = (MODEL_WINDOW_VALUES - filled) / FRONTEND_CHANNELS;
  return (frames < MOST_FRAMES ? frames : MOST_FRAMES) * FRONTEND_CHANNELS;
}

static void ask(void) {
  board_sensor_ask((uint16_t)(asked_values() / FRONTEND_CHANNELS));
  asked = true;
}

bool sampling_poll(void) {
  if (!image_is_whole()) {
    return false; /* decisions of a damaged image are worth nothing */
  }
  if (!asked) {
    ask();
  }
  const int16_t *block = board_sensor_take();
  if (block == NULL) {
    return false;
  }
  const size_t values = asked_values();
  memcpy(window + filled, block, values * sizeof *window);
  filled += values;
  if (filled < MODEL_WINDOW_VALUES) {
    ask();
    return true;
  }
  filled = MODEL_WINDOW_VALUES - FRONTEND_HOP * FRONTEND_CHANNELS;
  ask(); /* the next block comes while this window is decided */
  int8_t logits[MODEL_OUTPUTS];
  runtime_reset(); /* the model was judged on windows that know nothing of each other */
  board_stopwatch_start();
  model_run_window(window, logits);
  decision_add(logits, MODEL_OUTPUTS);
  if (APP_SKETCH) {
    monitor_add(parameters(), model_input(), decision()->last_class, decision()->confidence_q8);
  }
  ticks = board_stopwatch_stop();
  memmove(window, window + FRONTEND_HOP * FRONTEND_CHANNELS, filled * sizeof *window);
  return true;
}

uint32_t sampling_ticks(void) { return ticks; }

#else

bool sampling_poll(void) { return false; }
uint32_t sampling_ticks(void) { return 0; }

#endif
