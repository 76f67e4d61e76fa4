/* Memory protection: QEMU accepts writes into flash and beyond the board's RAM, real boards do not.
 *
 * There is no background region, so whatever no region names faults: the address below RAM, where
 * an overflowing stack goes, and the address behind it. */
#include "board_config.h"
#include "mps2.h"

#define ENABLE 1u
#define NO_EXECUTE (1u << 28)
#define NO_ACCESS (0u << 24)
#define READ_WRITE (3u << 24)
#define READ_ONLY (6u << 24)
#define MEMORY (1u << 17)
#define DEVICE (1u << 16)
/* Field of a power of two of bytes, at least 256 (subregions). */
#define SIZE(log2) ((uint32_t)((log2) - 1) << 1)
#define LOG2(bytes) (31 - __builtin_clz(bytes))
#define COVER(bytes) (LOG2((bytes) - 1) + 1)

static void region(uint32_t number, uint32_t base, uint32_t attributes) {
  MPU_RBAR = base | 1u << 4 | number;
  MPU_RASR = attributes | ENABLE;
}

/* Parts of a region of the next power of two that lie beyond `bytes`. */
static uint32_t beyond(uint32_t bytes) {
  const uint32_t parts = bytes >> (COVER(bytes) - 3);
  return (0xFFu << parts & 0xFFu) << 8;
}

_Static_assert(BOARD_FLASH_END % ((1u << COVER(BOARD_FLASH_END)) / 8) == 0,
               "the end of flash is not on an eighth of a region");
_Static_assert(BOARD_RAM_BYTES % ((1u << COVER(BOARD_RAM_BYTES)) / 8) == 0,
               "the end of RAM is not on an eighth of a region");

void protect_memory(void) {
  region(0, 0, SIZE(COVER(BOARD_FLASH_END)) | beyond(BOARD_FLASH_END) | READ_ONLY | MEMORY);
  /* The null page and the bootloader; a higher number wins over a lower one. */
  region(1, 0, SIZE(LOG2(BOARD_APP_BASE)) | NO_ACCESS | NO_EXECUTE);
  region(2, BOARD_RAM_BASE,
         SIZE(COVER(BOARD_RAM_BYTES)) | beyond(BOARD_RAM_BYTES) | READ_WRITE | NO_EXECUTE | MEMORY);
  region(3, 0x40000000, SIZE(16) | READ_WRITE | NO_EXECUTE | DEVICE);
  region(4, SENSOR_WINDOW, SIZE(LOG2(SENSOR_WINDOW_BYTES)) | READ_ONLY | NO_EXECUTE | MEMORY);
  MPU_CTRL = 1;
  __asm volatile("dsb\n isb" ::: "memory");
}
