#include <Arduino.h>
#include <Arduino_LSM9DS1.h>
#include <PDM.h>
#include <nrf.h>
#include <string.h>

PDMClass PDM;
LSM9DS1Class IMU;
ShimSaadc shim_saadc;

static void (*receive)(void);
static int16_t chunk[256];
static int waiting;

void shim_interrupt(void) {
  waiting = 0;
  while (receive != nullptr && waiting < 256 && shim_sample(&chunk[waiting])) {
    waiting++;
  }
  if (waiting > 0) {
    receive();
  }
}

int PDMClass::begin(int channels, int rate) { return channels == 1 && rate == 16000; }
void PDMClass::onReceive(void (*function)(void)) { receive = function; }
int PDMClass::available(void) { return waiting * 2; }

int PDMClass::read(void *buffer, unsigned size) {
  memcpy(buffer, chunk, size);
  waiting -= (int)size / 2;
  memmove(chunk, (uint8_t *)chunk + size, (size_t)waiting * 2);
  return (int)size;
}

static int16_t frame[6];

int LSM9DS1Class::begin(void) { return 1; }
void LSM9DS1Class::setContinuousMode(void) {}

int LSM9DS1Class::accelerationAvailable(void) {
  for (int i = 0; i < 6; i++) {
    if (!shim_sample(&frame[i])) {
      return 0;
    }
  }
  return 1;
}

int LSM9DS1Class::readAcceleration(float &x, float &y, float &z) {
  x = frame[0] * 4.0f / 32768.0f;
  y = frame[1] * 4.0f / 32768.0f;
  z = frame[2] * 4.0f / 32768.0f;
  return 1;
}

int LSM9DS1Class::readGyroscope(float &x, float &y, float &z) {
  x = frame[3] * 2000.0f / 32768.0f;
  y = frame[4] * 2000.0f / 32768.0f;
  z = frame[5] * 2000.0f / 32768.0f;
  return 1;
}

void shim_saadc_start(void) { shim_saadc.EVENTS_STARTED = 1; }
void shim_saadc_stop(void) { shim_saadc.EVENTS_STOPPED = 1; }

void shim_saadc_sample(void) {
  int16_t *to = (int16_t *)shim_saadc.RESULT.PTR;
  for (uint32_t i = 0; i < shim_saadc.RESULT.MAXCNT; i++) {
    if (!shim_sample(&to[i])) {
      return;
    }
  }
  shim_saadc.EVENTS_END = 1;
}
