/* Sample blocks from the virtual sensor: what a converter with DMA does on a real board. */
#include "board.h"
#include "link.h"
#include "mps2.h"

/* Not cleared at reset: an answer to what was asked before a reset has another tag. */
static uint8_t tag __attribute__((section(".noinit")));

void board_sensor_ask(uint16_t frames) {
  tag++;
  const uint8_t request[] = {SENSOR_REQUEST, tag, (uint8_t)frames, (uint8_t)(frames >> 8)};
  write_sensor_line(request, sizeof request);
}

const int16_t *board_sensor_take(void) {
  uint8_t answer;
  while (read_sensor_line(&answer)) {
    if (answer == tag) {
      __asm volatile("dmb" ::: "memory"); /* the block is read after the answer, not before */
      return (const int16_t *)SENSOR_WINDOW;
    }
  }
  return NULL;
}
