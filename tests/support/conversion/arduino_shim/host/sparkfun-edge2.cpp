#include <Arduino.h>
#include <PDM.h>

static int16_t samples[4096];

bool AP3_PDM::begin(void) { return true; }
bool AP3_PDM::setClockSpeed(am_hal_pdm_clkspd_e) { return true; }
bool AP3_PDM::setDecimationRate(uint32_t rate) { return rate == 48; }
bool AP3_PDM::setGain(am_hal_pdm_gain_e) { return true; }

bool AP3_PDM::available(void) {
  for (int i = 0; i < 4096; i++) {
    if (!shim_sample(&samples[i])) {
      return false;
    }
  }
  return true;
}

uint32_t AP3_PDM::getData(uint16_t *buffer, uint32_t size) {
  for (uint32_t i = 0; i < size; i++) {
    buffer[i] = (uint16_t)samples[i];
  }
  return size;
}
