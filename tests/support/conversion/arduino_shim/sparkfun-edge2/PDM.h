/* The PDM library of SparkFun's Apollo3 core 2.x. */
#ifndef SHIM_PDM_H
#define SHIM_PDM_H

#include <stdint.h>

typedef enum { AM_HAL_PDM_CLK_1_5MHZ } am_hal_pdm_clkspd_e;
typedef enum { AM_HAL_PDM_GAIN_P90DB } am_hal_pdm_gain_e;

class AP3_PDM {
public:
  bool begin(void);
  bool available(void);
  bool setClockSpeed(am_hal_pdm_clkspd_e speed);
  bool setDecimationRate(uint32_t rate);
  bool setGain(am_hal_pdm_gain_e gain);
  uint32_t getData(uint16_t *buffer, uint32_t size);
};

#endif
