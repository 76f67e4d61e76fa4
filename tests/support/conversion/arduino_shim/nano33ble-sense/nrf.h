/* The converter of the nRF52840: registers and values by their names in Nordic's header. A task
 * register does at once what the converter does by and by. */
#ifndef SHIM_NRF_H
#define SHIM_NRF_H

#include <stdint.h>

typedef void (*shim_effect)(void);

class ShimTask {
public:
  explicit ShimTask(shim_effect effect) : _effect(effect) {}
  void operator=(uint32_t value) {
    if (value != 0) {
      _effect();
    }
  }

private:
  shim_effect _effect;
};

void shim_saadc_start(void);
void shim_saadc_sample(void);
void shim_saadc_stop(void);

struct ShimSaadc {
  ShimTask TASKS_START{shim_saadc_start};
  ShimTask TASKS_SAMPLE{shim_saadc_sample};
  ShimTask TASKS_STOP{shim_saadc_stop};
  volatile uint32_t EVENTS_STARTED, EVENTS_END, EVENTS_STOPPED;
  volatile uint32_t RESOLUTION, OVERSAMPLE, SAMPLERATE, ENABLE;
  struct {
    volatile uint32_t PSELP, PSELN, CONFIG;
  } CH[8];
  struct {
    volatile uintptr_t PTR; /* 32 bits on the chip */
    volatile uint32_t MAXCNT;
  } RESULT;
};

extern ShimSaadc shim_saadc;
#define NRF_SAADC (&shim_saadc)

#define SAADC_CH_PSELP_PSELP_AnalogInput2 (3UL)
#define SAADC_CH_PSELN_PSELN_NC (0UL)
#define SAADC_CH_CONFIG_GAIN_Gain1_4 (2UL)
#define SAADC_CH_CONFIG_GAIN_Pos (8UL)
#define SAADC_CH_CONFIG_REFSEL_VDD1_4 (1UL)
#define SAADC_CH_CONFIG_REFSEL_Pos (12UL)
#define SAADC_CH_CONFIG_TACQ_10us (2UL)
#define SAADC_CH_CONFIG_TACQ_Pos (16UL)
#define SAADC_RESOLUTION_VAL_12bit (2UL)
#define SAADC_RESOLUTION_VAL_Pos (0UL)
#define SAADC_OVERSAMPLE_OVERSAMPLE_Bypass (0UL)
#define SAADC_OVERSAMPLE_OVERSAMPLE_Pos (0UL)
#define SAADC_SAMPLERATE_CC_Pos (0UL)
#define SAADC_SAMPLERATE_MODE_Timers (1UL)
#define SAADC_SAMPLERATE_MODE_Pos (12UL)
#define SAADC_ENABLE_ENABLE_Enabled (1UL)
#define SAADC_ENABLE_ENABLE_Pos (0UL)

#endif
