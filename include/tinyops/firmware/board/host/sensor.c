/* Sample blocks from the virtual sensor, as on the emulated boards. */
#include <stdbool.h>

#include "board.h"
#include "host.h"
#include "link.h"

static uint8_t tag;

void board_sensor_ask(uint16_t frames) {
  tag++;
  const uint8_t request[] = {SENSOR_REQUEST, tag, (uint8_t)frames, (uint8_t)(frames >> 8)};
  write_line(hardware->sensor, request, sizeof request);
}

const int16_t *board_sensor_take(void) {
  uint8_t answer;
  while (read_line(hardware->sensor, &answer)) {
    if (answer == tag) {
      return hardware->samples;
    }
  }
  return NULL;
}
