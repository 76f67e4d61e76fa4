/* The image where a vendor's linker script decides what lies where.
 *
 * As it is exported, `load_address` of the header is 0 and the CRC is over the attested constants:
 * header, model, tables, golden windows, factory parameters. The code is not under it. The release
 * seals the linked bytes: load address, size and CRC of the whole image are written into the
 * header, and from then on the CRC is over the application area of flash, as on the emulated
 * boards. */
#include "image.h"

#include "attested.h"
#include "board_config.h"

static uint32_t boot_crc;

static uint32_t crc_of(uint32_t crc, const uint8_t *start, size_t size) {
  return link_crc32(crc, start, size);
}

/* As crc_of, with the header's own CRC read as zero when it lies in these bytes. */
static uint32_t crc_without_itself(uint32_t crc, const uint8_t *start, size_t size) {
  static const uint8_t blank[sizeof image_header.image_crc32];
  const uint8_t *field = (const uint8_t *)&image_header + offsetof(link_image_header, image_crc32);
  if (field < start || field + sizeof blank > start + size) {
    return crc_of(crc, start, size);
  }
  const size_t before = (size_t)(field - start);
  crc = crc_of(crc, start, before);
  crc = crc_of(crc, blank, sizeof blank);
  return crc_of(crc, field + sizeof blank, size - before - sizeof blank);
}

/* The bytes under the CRC, one stretch after the other; 0 bytes for a header that is damaged. */
static uint32_t over_all(uint32_t crc, uint32_t (*add)(uint32_t, const uint8_t *, size_t)) {
  const uint32_t address = image_header.load_address;
  if (address == 0) {
    for (size_t i = 0; i < attested_count; i++) {
      crc = add(crc, (const uint8_t *)attested_parts[i].start, attested_parts[i].size);
    }
  } else if (address == BOARD_APP_BASE &&
             image_header.image_size <= BOARD_FLASH_END - BOARD_APP_BASE) {
    crc = add(crc, (const uint8_t *)(uintptr_t)address, image_header.image_size);
  }
  return crc;
}

void image_check(void) { boot_crc = over_all(0, crc_without_itself); }

bool image_is_whole(void) { return boot_crc == image_header.image_crc32; }

uint32_t image_boot_crc(void) { return boot_crc; }

uint32_t image_nonce_crc(uint32_t nonce) {
  const uint8_t seed[4] = {(uint8_t)nonce, (uint8_t)(nonce >> 8), (uint8_t)(nonce >> 16),
                           (uint8_t)(nonce >> 24)};
  return over_all(crc_of(0, seed, sizeof seed), crc_of);
}
