#include "monitor.h"

#include <string.h>

#include "frame_ring.h"

static frame_ring finished;
static link_sketch filling; /* n 0: not begun */
static uint16_t skipped;    /* windows since the last one that was counted, and that one */
static uint16_t counted;    /* since boot, modulo 65536 */
static bool begun;          /* the first frame since boot */

static void begin(const parameter_block *block) {
  uint16_t tag_crc = 0;
  for (const char *letter = block->reference_tag; *letter != 0; letter++) {
    tag_crc = link_crc16(tag_crc, (const uint8_t *)letter, 1);
  }
  filling = (link_sketch){
      .kind = LINK_SKETCH_KIND,
      .model = block->model_sha256[0],
      .reference = (uint8_t)tag_crc,
      .window = counted,
      .flags = begun ? 0 : LINK_SKETCH_FIRST,
  };
  begun = true;
}

void monitor_add(const parameter_block *block, const int8_t *input, uint8_t decided,
                 uint8_t confidence_q8) {
  if (block == NULL || block->sketch.frame_windows == 0) {
    return;
  }
  if (skipped != 0 && skipped < block->sketch.every) {
    skipped++;
    return;
  }
  skipped = 1;
  if (filling.n == 0) {
    begin(block);
  }
  sketch_count(&filling, &block->sketch, input, decided, confidence_q8);
  counted++;
  if (filling.n >= block->sketch.frame_windows) {
    frame_ring_put(&finished, &filling);
    filling.n = 0;
  }
}

size_t monitor_frame(const link_frame_request *request, uint8_t *answer) {
  if (request->options & LINK_FRAME_ACKNOWLEDGE) {
    frame_ring_acknowledge(&finished, request->window);
  }
  const link_sketch *frame = filling.n > 0 ? &filling : NULL;
  if (!(request->options & LINK_FRAME_PARTIAL)) {
    frame = frame_ring_oldest(&finished);
  }
  if (frame == NULL) {
    return 0;
  }
  const size_t before = offsetof(link_sketch, crc16);
  memcpy(answer, frame, before);
  const uint16_t crc = link_crc16(0, answer, before);
  answer[before] = (uint8_t)crc;
  answer[before + 1] = (uint8_t)(crc >> 8);
  return sizeof *frame;
}
