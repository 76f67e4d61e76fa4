/* Finished frames that wait for the gateway, in RAM; when it is full the oldest is dropped. */
#ifndef TINYOPS_MONITOR_FRAME_RING_H
#define TINYOPS_MONITOR_FRAME_RING_H

#include "link.h"

#define FRAME_RING 8

typedef struct {
  link_sketch frames[FRAME_RING];
  uint8_t oldest;
  uint8_t held;
} frame_ring;

void frame_ring_put(frame_ring *ring, const link_sketch *frame);
/* NULL when it is empty. */
const link_sketch *frame_ring_oldest(const frame_ring *ring);
/* Drop the frames up to and including the one that starts at `window`, if there is one. */
void frame_ring_acknowledge(frame_ring *ring, uint16_t window);

#endif
