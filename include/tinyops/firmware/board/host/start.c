/* Start, memory and clock where the firmware is a library in a process of the host. */
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "board.h"
#include "board_config.h"
#include "host.h"
#include "link.h"
#include "runtime.h"

const host_hardware *hardware;
/* On a chip it is part of the linked image; here it is read from where the image lies. */
link_image_header image_header;
static struct timespec started;
static uint8_t chip_id[LINK_CHIP_ID_BYTES];

int main(void);

void host_run(const host_hardware *given) {
  hardware = given;
  main();
  for (;;) {
  }
}

void board_start(void) {
  /* Once: a sensor with long blocks writes there later. */
  memcpy(chip_id, (const uint8_t *)hardware->samples + VIRTUAL_CHIP_ID_OFFSET, sizeof chip_id);
  memcpy(&image_header, board_image() + LINK_IMAGE_HEADER_OFFSET, sizeof image_header);
}

void runtime_infer(const int8_t *features, int8_t *logits) { hardware->invoke(features, logits); }
void runtime_reset(void) { hardware->reset(); }

void board_stopwatch_start(void) { clock_gettime(CLOCK_MONOTONIC, &started); }

/* Microseconds of the host: they say nothing about the board. */
uint32_t board_stopwatch_stop(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint32_t)((now.tv_sec - started.tv_sec) * 1000000 +
                    (now.tv_nsec - started.tv_nsec) / 1000);
}

/* Not known: the stack is the process's. */
uint32_t board_stack_used(void) { return 0; }
/* A fault ends the process; the board starts it anew at a reset. */
uint8_t board_faults(void) { return 0; }

void board_chip_id(uint8_t *id) { memcpy(id, chip_id, sizeof chip_id); }

const uint8_t *board_image(void) { return hardware->flash; }

static size_t parameters_start(void) {
  const host_parts *parts = (const host_parts *)hardware->flash;
  const size_t room = hardware->flash_bytes - 2 * (size_t)BOARD_FLASH_PAGE;
  return parts->parameters < room ? parts->parameters : room;
}

size_t board_image_size(void) { return parameters_start(); }

const uint8_t *board_parameters(int page) {
  return hardware->flash + parameters_start() + (size_t)page * BOARD_FLASH_PAGE;
}
