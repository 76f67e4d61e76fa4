#include "frame_ring.h"

static uint8_t place(const frame_ring *ring, uint8_t age) {
  return (uint8_t)((ring->oldest + age) % FRAME_RING);
}

static void drop(frame_ring *ring, uint8_t frames) {
  ring->oldest = place(ring, frames);
  ring->held = (uint8_t)(ring->held - frames);
}

void frame_ring_put(frame_ring *ring, const link_sketch *frame) {
  if (ring->held == FRAME_RING) {
    drop(ring, 1);
    ring->frames[ring->oldest].flags |= LINK_SKETCH_LOST;
  }
  ring->frames[place(ring, ring->held)] = *frame;
  ring->held++;
}

const link_sketch *frame_ring_oldest(const frame_ring *ring) {
  return ring->held > 0 ? &ring->frames[ring->oldest] : NULL;
}

void frame_ring_acknowledge(frame_ring *ring, uint16_t window) {
  for (uint8_t age = 0; age < ring->held; age++) {
    if (ring->frames[place(ring, age)].window == window) {
      drop(ring, (uint8_t)(age + 1));
      return;
    }
  }
}
