/* board.h on Arduino's API: link on Serial, time by micros. */
#include <Arduino.h>

extern "C" {
#include "board.h"
#include "link.h"
}

#include <string.h>

#if defined(NRF52840_XXAA) && __has_include(<nrf.h>)
#include <nrf.h>
#define CHIP_ID_NRF52840
#elif defined(AM_PART_APOLLO3) && __has_include(<am_mcu_apollo.h>)
#include <am_mcu_apollo.h>
#define CHIP_ID_APOLLO3
#endif

#include "app_config.h"
#include "arduino_sensor.h"
#include "board_config.h"

/* Nobody may be listening: after so long without progress the rest of a reply is dropped. */
#define WRITE_TIMEOUT_MS 200

extern "C" const uint8_t factory_parameters[];

static uint32_t started;
static uint8_t faults;

void sensor_fault(void) {
  if (faults < 255) {
    faults++;
  }
}

void board_start(void) {
  Serial.begin(BOARD_LINK_BAUD);
#if APP_SAMPLING
  if (!sensor_start()) {
    sensor_fault();
  }
#endif
}

bool board_link_read(uint8_t *byte) {
  if (Serial.available() <= 0) {
    return false;
  }
  *byte = (uint8_t)Serial.read();
  return true;
}

void board_link_write(const uint8_t *bytes, size_t length) {
  uint32_t progress = millis();
  while (length > 0) {
    const size_t sent = Serial.write(bytes, length);
    bytes += sent;
    length -= sent;
    if (sent > 0) {
      progress = millis();
    } else if (millis() - progress > WRITE_TIMEOUT_MS) {
      return;
    }
  }
}

/* The cores sleep in delay. */
void board_idle(void) {
  if (Serial.available() <= 0) {
    delay(1);
  }
}

void board_stopwatch_start(void) { started = micros(); }
uint32_t board_stopwatch_stop(void) { return (uint32_t)(micros() - started); }

/* Not known: the stack belongs to the core's thread. */
uint32_t board_stack_used(void) { return 0; }
uint8_t board_faults(void) { return faults; }

/* FICR DEVICEID of the nRF52840, MCUCTRL CHIPID of the Apollo3, the MAC in the ESP32's fuses. A
 * core that does not say which chip it is for has none. */
void board_chip_id(uint8_t *id) {
  memset(id, 0, LINK_CHIP_ID_BYTES);
#if defined(CHIP_ID_NRF52840)
  const uint32_t words[2] = {NRF_FICR->DEVICEID[0], NRF_FICR->DEVICEID[1]};
  memcpy(id, words, sizeof words);
#elif defined(CHIP_ID_APOLLO3)
  const uint32_t words[2] = {MCUCTRL->CHIPID0, MCUCTRL->CHIPID1};
  memcpy(id, words, sizeof words);
#elif defined(ESP32)
  const uint64_t mac = ESP.getEfuseMac();
  memcpy(id, &mac, sizeof mac);
#endif
}

/* One block, a constant. The link has no request yet that writes another, so no flash is written.
 */
const uint8_t *board_parameters(int page) {
  (void)page;
  return factory_parameters;
}
