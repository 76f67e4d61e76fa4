#include "image.h"

#include "board.h"

static uint32_t boot_crc;

void image_check(void) {
  static const uint8_t blank[sizeof image_header.image_crc32];
  const uint8_t *image = board_image();
  const size_t before = LINK_IMAGE_HEADER_OFFSET + offsetof(link_image_header, image_crc32);
  const size_t after = before + sizeof blank;
  /* Not the header's size: were that damaged, the sum would run off the end of flash. */
  const size_t size = board_image_size();
  uint32_t crc = link_crc32(0, image, before);
  crc = link_crc32(crc, blank, sizeof blank);
  boot_crc = link_crc32(crc, image + after, size - after);
}

bool image_is_whole(void) { return boot_crc == image_header.image_crc32; }

uint32_t image_boot_crc(void) { return boot_crc; }

uint32_t image_nonce_crc(uint32_t nonce) {
  const uint8_t seed[4] = {(uint8_t)nonce, (uint8_t)(nonce >> 8), (uint8_t)(nonce >> 16),
                           (uint8_t)(nonce >> 24)};
  return link_crc32(link_crc32(0, seed, sizeof seed), board_image(), board_image_size());
}
