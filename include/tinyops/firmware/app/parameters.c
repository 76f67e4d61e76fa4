#include "parameters.h"

#include <string.h>

#include "board.h"
#include "image.h"

static const parameter_block *chosen;

static bool is_valid(const parameter_block *block) {
  return memcmp(block->magic, PARAMETERS_MAGIC, sizeof block->magic) == 0 &&
         block->format == PARAMETERS_FORMAT && block->size == sizeof *block &&
         memcmp(block->model_sha256, image_header.model_sha256, sizeof block->model_sha256) == 0 &&
         link_crc32(0, (const uint8_t *)block, offsetof(parameter_block, crc32)) == block->crc32;
}

void parameters_load(void) {
  chosen = NULL;
  for (int page = 0; page < 2; page++) {
    const parameter_block *block = (const parameter_block *)board_parameters(page);
    if (is_valid(block) && (chosen == NULL || block->sequence > chosen->sequence)) {
      chosen = block;
    }
  }
}

const parameter_block *parameters(void) { return chosen; }
