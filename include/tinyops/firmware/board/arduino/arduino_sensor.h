/* What a sensor's port gives to the Arduino board support, beside board_sensor_ask and
 * board_sensor_take (sample_ring.c has those for sensors that deliver by themselves). */
#ifndef TINYOPS_ARDUINO_SENSOR_H
#define TINYOPS_ARDUINO_SENSOR_H

#include <stdbool.h>
#include <stdint.h>

/* Generated: SENSOR_RATE_MHZ (of the project, in 1/1000 Hz), SENSOR_CHANNELS and what the port
 * needs besides. */
#include "sensor_config.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Switch the sensor on; false when it does not answer. */
bool sensor_start(void);
/* Take what waits in the sensor to the ring; called again and again. */
void sensor_poll(void);
/* Something went wrong that a gateway should see: counted, HELLO reports it. */
void sensor_fault(void);

/* One frame [SENSOR_CHANNELS] at the project's rate; from an interrupt too. */
void samples_put(const int16_t *frame);
/* One frame at the sensor's own rate, SENSOR_NATIVE_MHZ: linear interpolation to the project's. */
void samples_put_native(const int16_t *frame);

/* A physical value in counts, saturating; `scale` is counts a unit. */
static inline int16_t sensor_counts(float value, float scale) {
  const float counts = value * scale;
  return (int16_t)(counts > 32767.0f ? 32767.0f : counts < -32768.0f ? -32768.0f : counts);
}

#ifdef __cplusplus
}
#endif

#endif
