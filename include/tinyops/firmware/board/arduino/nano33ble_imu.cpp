/* The IMU of the Nano 33 BLE Sense: LSM9DS1, or BMI270 on Rev2 (define SENSOR_REV2). Its FIFO keeps
 * 32 frames while a window is decided, 269 ms at 119 Hz. */
#include "arduino_sensor.h"

#ifdef SENSOR_REV2
#include <Arduino_BMI270_BMM150.h>
#else
#include <Arduino_LSM9DS1.h>
#endif

static const float scales[SENSOR_CHANNELS] = SENSOR_SCALES;

bool sensor_start(void) {
  if (!IMU.begin()) {
    return false;
  }
  IMU.setContinuousMode();
  return true;
}

void sensor_poll(void) {
  while (IMU.accelerationAvailable()) {
    float values[6];
    if (!IMU.readAcceleration(values[0], values[1], values[2]) ||
        !IMU.readGyroscope(values[3], values[4], values[5])) {
      sensor_fault();
      return;
    }
    int16_t frame[SENSOR_CHANNELS];
    for (int channel = 0; channel < SENSOR_CHANNELS; channel++) {
      frame[channel] = sensor_counts(values[channel], scales[channel]);
    }
    samples_put_native(frame);
  }
}
