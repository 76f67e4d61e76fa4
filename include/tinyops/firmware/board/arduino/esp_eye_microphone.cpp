/* The I2S microphone of the ESP-EYE (SCK 26, WS 32, SD 33) by ESP_I2S of Espressif's core 3.x. Its
 * samples are the counts: full scale is the microphone's, not the project's. */
#include <ESP_I2S.h>

#include "arduino_sensor.h"

#define CHUNK 64 /* 4 ms at 16 kHz: so long does a poll wait at most */

static I2SClass microphone;

bool sensor_start(void) {
  microphone.setPins(26, 32, -1, 33);
  return microphone.begin(I2S_MODE_STD, SENSOR_RATE_MHZ / 1000, I2S_DATA_BIT_WIDTH_16BIT,
                          I2S_SLOT_MODE_MONO);
}

void sensor_poll(void) {
  int16_t samples[CHUNK];
  const size_t bytes = microphone.readBytes((char *)samples, sizeof samples);
  for (size_t i = 0; i < bytes / sizeof *samples; i++) {
    samples_put(&samples[i]);
  }
}
