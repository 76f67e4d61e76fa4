/* The microphone of the Nano 33 BLE Sense by the PDM library of Arduino's core. Its samples are the
 * counts: full scale is the microphone's, not the project's. */
#include <PDM.h>

#include "arduino_sensor.h"

#define CHUNK 256

static void receive(void) {
  int16_t samples[CHUNK];
  int bytes = PDM.available();
  while (bytes > 0) {
    const int taken = PDM.read(samples, bytes < (int)sizeof samples ? bytes : (int)sizeof samples);
    if (taken <= 0) {
      return;
    }
    for (int i = 0; i < taken / (int)sizeof *samples; i++) {
      samples_put(&samples[i]);
    }
    bytes -= taken;
  }
}

bool sensor_start(void) {
  PDM.onReceive(receive);
  return PDM.begin(1, SENSOR_RATE_MHZ / 1000) != 0;
}

void sensor_poll(void) {}
