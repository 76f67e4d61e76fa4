/* board.h on Arduino's API: link on Serial, time by micros. */
#include <Arduino.h>

extern "C" {
#include "board.h"
}

#include "app_config.h"
#include "arduino_sensor.h"
#include "board_config.h"

/* Nobody may be listening: after so long without progress the rest of a reply is dropped. */
#define WRITE_TIMEOUT_MS 200

extern "C" const uint8_t factory_parameters[];

static uint32_t started;
static uint8_t faults;

void sensor_fault(void) {
  if (faults < 255) {
    faults++;
  }
}

void board_start(void) {
  Serial.begin(BOARD_LINK_BAUD);
#if APP_SAMPLING
  if (!sensor_start()) {
    sensor_fault();
  }
#endif
}

bool board_link_read(uint8_t *byte) {
  if (Serial.available() <= 0) {
    return false;
  }
  *byte = (uint8_t)Serial.read();
  return true;
}

void board_link_write(const uint8_t *bytes, size_t length) {
  uint32_t progress = millis();
  while (length > 0) {
    const size_t sent = Serial.write(bytes, length);
    bytes += sent;
    length -= sent;
    if (sent > 0) {
      progress = millis();
    } else if (millis() - progress > WRITE_TIMEOUT_MS) {
      return;
    }
  }
}

/* The cores sleep in delay. */
void board_idle(void) {
  if (Serial.available() <= 0) {
    delay(1);
  }
}

void board_stopwatch_start(void) { started = micros(); }
uint32_t board_stopwatch_stop(void) { return (uint32_t)(micros() - started); }

/* Not known: the stack belongs to the core's thread. */
uint32_t board_stack_used(void) { return 0; }
uint8_t board_faults(void) { return faults; }

/* One block, a constant. The link has no request yet that writes another, so no flash is written.
 */
const uint8_t *board_parameters(int page) {
  (void)page;
  return factory_parameters;
}
