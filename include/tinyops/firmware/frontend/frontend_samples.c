/* Kind "samples": every channel averaged over FRONTEND_DECIMATE samples and scaled to int8.
 * Integers only. Output [FRONTEND_WINDOW / FRONTEND_DECIMATE][1][FRONTEND_CHANNELS]. */
#include "frontend.h"
#include "frontend_tables.h"

#define SHIFT 20

void frontend_run(const int16_t *window, int8_t *features) {
  for (int row = 0; row < FRONTEND_WINDOW / FRONTEND_DECIMATE; row++) {
    for (int channel = 0; channel < FRONTEND_CHANNELS; channel++) {
      const int16_t *sample = window + row * FRONTEND_DECIMATE * FRONTEND_CHANNELS + channel;
      int32_t sum = 0;
      for (int i = 0; i < FRONTEND_DECIMATE; i++) {
        sum += sample[i * FRONTEND_CHANNELS];
      }
      int64_t value = (int64_t)sum * frontend_gain[channel] + (1 << (SHIFT - 1));
      value >>= SHIFT;
      *features++ = (int8_t)(value > 127 ? 127 : value < -128 ? -128 : value);
    }
  }
}
