/* Blocks for the application from a sensor that delivers by itself: frames wait in a ring while a
 * window is decided. When the ring runs over, the block that was begun is begun again: no block has
 * a gap in it, but between two blocks there is one then. */
#include <stddef.h>

#include "arduino_sensor.h"
#include "board.h"
#include "frontend_config.h"

static int16_t ring[SENSOR_RING][SENSOR_CHANNELS];
static volatile uint16_t head; /* written by samples_put */
static volatile uint16_t tail; /* written by board_sensor_take */
static volatile bool overrun;
static int16_t block[FRONTEND_WINDOW * SENSOR_CHANNELS];
static uint16_t wanted;
static uint16_t filled;

static uint16_t after(uint16_t place) { return (uint16_t)((place + 1) % SENSOR_RING); }

void samples_put(const int16_t *frame) {
  const uint16_t next = after(head);
  if (next == tail) {
    overrun = true;
    return;
  }
  for (int channel = 0; channel < SENSOR_CHANNELS; channel++) {
    ring[head][channel] = frame[channel];
  }
  head = next;
}

#ifdef SENSOR_NATIVE_MHZ
void samples_put_native(const int16_t *frame) {
  static int16_t last[SENSOR_CHANNELS];
  static uint32_t place; /* from `last` to the next output, in 1/SENSOR_RATE_MHZ of an interval */
  static bool begun;
  while (begun && place < SENSOR_RATE_MHZ) {
    int16_t between[SENSOR_CHANNELS];
    for (int channel = 0; channel < SENSOR_CHANNELS; channel++) {
      const int64_t step = (int64_t)(frame[channel] - last[channel]) * place;
      between[channel] = (int16_t)(last[channel] + step / SENSOR_RATE_MHZ);
    }
    samples_put(between);
    place += SENSOR_NATIVE_MHZ;
  }
  if (begun) {
    place -= SENSOR_RATE_MHZ;
  }
  begun = true;
  for (int channel = 0; channel < SENSOR_CHANNELS; channel++) {
    last[channel] = frame[channel];
  }
}
#endif

void board_sensor_ask(uint16_t frames) {
  filled = 0;
  wanted = frames;
}

const int16_t *board_sensor_take(void) {
  sensor_poll();
  if (overrun) {
    tail = head;
    filled = 0;
    overrun = false;
  }
  while (filled < wanted && tail != head) {
    for (int channel = 0; channel < SENSOR_CHANNELS; channel++) {
      block[filled * SENSOR_CHANNELS + channel] = ring[tail][channel];
    }
    tail = after(tail);
    filled++;
  }
  if (wanted == 0 || filled < wanted) {
    return NULL;
  }
  wanted = 0;
  return block;
}
