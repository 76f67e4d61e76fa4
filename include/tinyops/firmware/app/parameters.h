/* The parameter block: what can change without a new image. Two flash pages; the block with the
 * newest sequence, a right CRC and this image's model wins. */
#ifndef TINYOPS_APP_PARAMETERS_H
#define TINYOPS_APP_PARAMETERS_H

#include "sketch.h"

#define PARAMETERS_MAGIC "TPRM"
#define PARAMETERS_FORMAT 2

typedef struct __attribute__((packed)) {
  char magic[4];
  uint16_t format;
  uint16_t size;
  uint32_t sequence; /* of the factory block: 1 */
  uint8_t model_sha256[32];
  char reference_tag[32];                 /* ends with a zero */
  int16_t class_offset[LINK_MAX_CLASSES]; /* added to the logits, in steps of the int8 output */
  uint16_t exponent_q15[256];             /* 32768 * exp(-steps * output scale / temperature) */
  sketch_limits sketch;
  uint32_t crc32; /* zlib, over all bytes before it */
} parameter_block;

/* Choose the block; at boot and after a page was written. */
void parameters_load(void);
/* The block in use, NULL when neither page holds a valid one. */
const parameter_block *parameters(void);

#endif
