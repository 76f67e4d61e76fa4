/* What the host process gives to firmware that it runs: its hardware, as plain files and memory.
 * The other end is emulation/host_runner.py. */
#ifndef TINYOPS_HOST_H
#define TINYOPS_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  const uint8_t *flash; /* from the first byte of the image on */
  uint64_t flash_bytes;
  const int16_t *samples; /* memory that the sensor fills */
  /* TensorFlow Lite Micro with the model that lies in flash. */
  void (*invoke)(const int8_t *features, int8_t *logits);
  void (*reset)(void);
  int32_t link; /* connected sockets */
  int32_t sensor;
} host_hardware;

extern const host_hardware *hardware;

/* At the start of the image, little endian: where its parts are, in bytes from there. The image
 * header follows at LINK_IMAGE_HEADER_OFFSET. */
typedef struct __attribute__((packed)) {
  char magic[8];
  uint16_t machine; /* e_machine of ELF */
  uint16_t reserved;
  uint32_t firmware;
  uint32_t firmware_bytes;
  uint32_t model;
  uint32_t model_bytes;
  uint32_t parameters; /* two pages */
} host_parts;

/* Run the firmware; does not return. */
__attribute__((visibility("default"))) _Noreturn void host_run(const host_hardware *given);

/* One byte that has come in on a line; false when there is none. */
bool read_line(int32_t line, uint8_t *byte);
void write_line(int32_t line, const uint8_t *bytes, size_t length);

#endif
