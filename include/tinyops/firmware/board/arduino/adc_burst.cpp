/* An analogue pin by analogRead, paced by micros: the processor does nothing else meanwhile, and
 * the link is served between two windows. How fast analogRead is depends on the core. A block with
 * a sample that came late by more than one interval is dropped and counted as a fault. */
#include <Arduino.h>

extern "C" {
#include "board.h"
}

#include "arduino_sensor.h"
#include "frontend_config.h"

#define BITS 12

static int16_t block[FRONTEND_WINDOW];
static uint16_t wanted;

bool sensor_start(void) {
  analogReadResolution(BITS);
  return true;
}

void board_sensor_ask(uint16_t frames) { wanted = frames; }

static bool convert(void) {
  const uint32_t start = micros();
  for (uint16_t i = 0; i < wanted; i++) {
    const uint32_t due = (uint32_t)(1000000000ull * i / SENSOR_RATE_MHZ);
    while (micros() - start < due) {
    }
    if (micros() - start > due + 1000000000u / SENSOR_RATE_MHZ) {
      return false;
    }
    const int32_t middle = 1 << (BITS - 1);
    block[i] = (int16_t)((analogRead(SENSOR_PIN) - middle) * (1 << (16 - BITS)));
  }
  return true;
}

const int16_t *board_sensor_take(void) {
  if (wanted == 0) {
    return NULL;
  }
  if (!convert()) {
    sensor_fault();
    return NULL;
  }
  wanted = 0;
  return block;
}
