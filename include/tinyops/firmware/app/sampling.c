#include "sampling.h"

#include "app_config.h"

#if APP_SAMPLING
#include <string.h>

#include "board.h"
#include "decision.h"
#include "image.h"
#include "model.h"

#define FRAME_BYTES (FRONTEND_CHANNELS * sizeof(int16_t))
/* Bytes a call: the link gets its turn between. */
#define BURST 256

static int16_t window[MODEL_WINDOW_VALUES];
static size_t filled; /* bytes of the window that are there */
static bool asked;

static void ask(void) {
  const size_t frames = FRONTEND_WINDOW - filled / FRAME_BYTES;
  const uint8_t request[] = {SENSOR_REQUEST, (uint8_t)frames, (uint8_t)(frames >> 8)};
  board_sensor_write(request, sizeof request);
  asked = true;
}

static void decide(void) {
  int8_t logits[MODEL_OUTPUTS];
  model_run_window(window, logits);
  decision_add(logits, MODEL_OUTPUTS);
  filled = sizeof window - FRONTEND_HOP * FRAME_BYTES;
  memmove(window, (const uint8_t *)window + FRONTEND_HOP * FRAME_BYTES, filled);
  asked = false;
}

bool sampling_poll(void) {
  if (!image_is_whole()) {
    return false; /* decisions of a damaged image are worth nothing */
  }
  if (!asked) {
    ask();
  }
  uint8_t byte;
  for (int i = 0; i < BURST; i++) {
    if (!board_sensor_read(&byte)) {
      return false;
    }
    ((uint8_t *)window)[filled++] = byte; /* little endian on the line and in memory */
    if (filled == sizeof window) {
      decide();
      return true;
    }
  }
  return true;
}

#else

bool sampling_poll(void) { return false; }

#endif
