/* The library ESP_I2S of Espressif's core 3.x. */
#ifndef SHIM_ESP_I2S_H
#define SHIM_ESP_I2S_H

#include <stddef.h>
#include <stdint.h>

typedef enum { I2S_MODE_STD } i2s_mode_t;
typedef enum { I2S_DATA_BIT_WIDTH_16BIT = 16 } i2s_data_bit_width_t;
typedef enum { I2S_SLOT_MODE_MONO = 1 } i2s_slot_mode_t;

class I2SClass {
public:
  void setPins(int8_t bclk, int8_t ws, int8_t dout, int8_t din = -1, int8_t mclk = -1);
  bool begin(i2s_mode_t mode, uint32_t rate, i2s_data_bit_width_t bits, i2s_slot_mode_t ch);
  size_t readBytes(char *buffer, size_t size);
};

#endif
