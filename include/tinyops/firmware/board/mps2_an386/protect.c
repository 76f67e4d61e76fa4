/* Memory protection: QEMU accepts writes into flash and beyond the board's RAM, real boards do not.
 *
 * There is no background region, so whatever no region names faults: the null page and the
 * bootloader below the application, the address below RAM, where an overflowing stack goes, and the
 * addresses behind flash and RAM. */
#include "board_config.h"
#include "mps2.h"

#define ENABLE 1u
#define NO_EXECUTE (1u << 28)
#define READ_WRITE (3u << 24)
#define READ_ONLY (6u << 24)
#define MEMORY (1u << 17)
#define DEVICE (1u << 16)
/* Field of a power of two of bytes. */
#define SIZE(log2) ((uint32_t)((log2) - 1) << 1)
#define LOG2(bytes) (31 - __builtin_clz(bytes))
#define COUNT(areas) (sizeof(areas) / sizeof *(areas))

/* A region's address, and its size with the eighths of it that do not count, as in MPU_RASR. */
typedef struct {
  uint32_t base;
  uint32_t extent;
} area;

static const area flash[] = BOARD_FLASH_REGIONS;
static const area ram[] = BOARD_RAM_REGIONS;

_Static_assert(COUNT(flash) + COUNT(ram) + 2 <= 8, "a Cortex-M4 has eight regions");

static uint32_t regions;

static void allow(const area *where, uint32_t attributes) {
  MPU_RBAR = where->base | 1u << 4 | regions++;
  MPU_RASR = where->extent | attributes | ENABLE;
}

void protect_memory(void) {
  static const area devices = {0x40000000, SIZE(16)};
  static const area sensor = {SENSOR_WINDOW, SIZE(LOG2(SENSOR_WINDOW_BYTES))};
  regions = 0;
  for (size_t i = 0; i < COUNT(flash); i++) {
    allow(&flash[i], READ_ONLY | MEMORY);
  }
  for (size_t i = 0; i < COUNT(ram); i++) {
    allow(&ram[i], READ_WRITE | NO_EXECUTE | MEMORY);
  }
  allow(&devices, READ_WRITE | NO_EXECUTE | DEVICE);
  allow(&sensor, READ_ONLY | NO_EXECUTE | MEMORY);
  MPU_CTRL = 1;
  __asm volatile("dsb\n isb" ::: "memory");
}
