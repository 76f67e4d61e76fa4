/* A0 of the Nano 33 BLE by the converter's own timer and DMA: the processor decides a window while
 * the next one is converted. 0 to VDD is the whole range, and half of it is 0 counts. Do not call
 * analogRead beside it. Registers: nRF52840 product specification, SAADC. */
#include <Arduino.h>
#include <nrf.h>

extern "C" {
#include "board.h"
}

#include "arduino_sensor.h"
#include "frontend_config.h"

#define TIMER_HZ 16000000
#define BITS 12

static int16_t block[FRONTEND_WINDOW];
static uint16_t wanted;

bool sensor_start(void) {
  const uint32_t ticks = (uint32_t)(1000ull * TIMER_HZ / SENSOR_RATE_MHZ);
  NRF_SAADC->CH[0].PSELP = SAADC_CH_PSELP_PSELP_AnalogInput2; /* P0.04 */
  NRF_SAADC->CH[0].PSELN = SAADC_CH_PSELN_PSELN_NC;
  NRF_SAADC->CH[0].CONFIG = SAADC_CH_CONFIG_GAIN_Gain1_4 << SAADC_CH_CONFIG_GAIN_Pos |
                            SAADC_CH_CONFIG_REFSEL_VDD1_4 << SAADC_CH_CONFIG_REFSEL_Pos |
                            SAADC_CH_CONFIG_TACQ_10us << SAADC_CH_CONFIG_TACQ_Pos;
  NRF_SAADC->RESOLUTION = SAADC_RESOLUTION_VAL_12bit << SAADC_RESOLUTION_VAL_Pos;
  NRF_SAADC->OVERSAMPLE = SAADC_OVERSAMPLE_OVERSAMPLE_Bypass << SAADC_OVERSAMPLE_OVERSAMPLE_Pos;
  NRF_SAADC->SAMPLERATE = ticks << SAADC_SAMPLERATE_CC_Pos | SAADC_SAMPLERATE_MODE_Timers
                                                                 << SAADC_SAMPLERATE_MODE_Pos;
  NRF_SAADC->ENABLE = SAADC_ENABLE_ENABLE_Enabled << SAADC_ENABLE_ENABLE_Pos;
  return true;
}

void board_sensor_ask(uint16_t frames) {
  wanted = frames;
  NRF_SAADC->RESULT.PTR = (uintptr_t)block;
  NRF_SAADC->RESULT.MAXCNT = frames;
  NRF_SAADC->EVENTS_END = 0;
  NRF_SAADC->EVENTS_STARTED = 0;
  NRF_SAADC->TASKS_START = 1;
  while (NRF_SAADC->EVENTS_STARTED == 0) {
  }
  NRF_SAADC->TASKS_SAMPLE = 1; /* the timer takes all further samples */
}

const int16_t *board_sensor_take(void) {
  if (wanted == 0 || NRF_SAADC->EVENTS_END == 0) {
    return NULL;
  }
  NRF_SAADC->EVENTS_STOPPED = 0;
  NRF_SAADC->TASKS_STOP = 1;
  while (NRF_SAADC->EVENTS_STOPPED == 0) {
  }
  const int32_t middle = 1 << (BITS - 1);
  for (int i = 0; i < wanted; i++) {
    const int32_t value = (block[i] - middle) * (1 << (16 - BITS));
    block[i] = (int16_t)(value > 32767 ? 32767 : value < -32768 ? -32768 : value);
  }
  wanted = 0;
  return block;
}
