/* What a sketch's CRC is over when the image was not sealed: the constants that the exporter knows.
 * Generated: the list of them, the image header first. */
#ifndef TINYOPS_ARDUINO_ATTESTED_H
#define TINYOPS_ARDUINO_ATTESTED_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
  const void *start;
  size_t size;
} attested_part;

extern const attested_part attested_parts[];
extern const size_t attested_count;

#endif
