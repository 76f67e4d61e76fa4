/* A microphone of the SparkFun Edge 2 by the PDM library of SparkFun's core (2.x). The interface
 * takes 15625 samples/s (1.5 MHz / 96), which are interpolated to the project's rate. The library
 * hands over blocks of 4096 samples, or not at all. */
#include <PDM.h>

#include "arduino_sensor.h"

#define BLOCK 4096

static AP3_PDM microphone;

bool sensor_start(void) {
  return microphone.begin() && microphone.setClockSpeed(AM_HAL_PDM_CLK_1_5MHZ) &&
         microphone.setDecimationRate(48) && microphone.setGain(AM_HAL_PDM_GAIN_P90DB);
}

void sensor_poll(void) {
  static uint16_t samples[BLOCK];
  if (!microphone.available()) {
    return;
  }
  microphone.getData(samples, BLOCK);
  for (int i = 0; i < BLOCK; i++) {
    const int16_t sample = (int16_t)samples[i];
    samples_put_native(&sample);
  }
}
