/* The image that runs: its header, and whether flash still holds what was built. */
#ifndef TINYOPS_APP_IMAGE_H
#define TINYOPS_APP_IMAGE_H

#include "link.h"

/* Generated; sizes and CRC are filled in after linking. */
extern const link_image_header image_header;

/* Compute the CRC over the whole image; at boot, once. */
void image_check(void);
bool image_is_whole(void);
uint32_t image_boot_crc(void);
/* CRC-32 over nonce (little endian) and the image as it is in flash. */
uint32_t image_nonce_crc(uint32_t nonce);

#endif
