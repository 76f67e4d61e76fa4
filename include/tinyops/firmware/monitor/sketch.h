/* What is counted of a window; integers only, bit for bit as tinyops.sketches.sketch. */
#ifndef TINYOPS_MONITOR_SKETCH_H
#define TINYOPS_MONITOR_SKETCH_H

#include "link.h"

/* Where bins end; part of the parameter block. A bin is the number of edges <= the value. */
typedef struct __attribute__((packed)) {
  int32_t edges[3][7];
  int32_t low[3]; /* below or above: out of range */
  int32_t high[3];
  uint8_t confidence_edges[7];
  uint8_t frame_windows; /* 0: nothing is counted */
  uint16_t every;        /* of so many windows one is counted, the first */
} sketch_limits;

/* Two projections of the input and what they leave unexplained of its squared distance from the
 * center. */
void sketch_features(const int8_t *input, int32_t features[3]);
/* Count one window into a frame. */
void sketch_count(link_sketch *frame, const sketch_limits *limits, const int8_t *input,
                  uint8_t decided, uint8_t confidence_q8);

#endif
