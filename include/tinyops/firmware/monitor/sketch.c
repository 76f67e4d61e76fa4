#include "sketch.h"

/* Generated: SKETCH_SIZE and the tables. */
#include "sketch_tables.h"

_Static_assert(SKETCH_SIZE <= 65535, "a projection or a squared distance overflows 32 bits");

/* The square of a projection over that of its weights: never more than the squared distance, so the
 * quotient has 32 bits. The library's division is 700 bytes of flash. */
static uint32_t divide(uint64_t value, uint32_t by) {
  uint32_t quotient = 0;
  for (int bit = 31; bit >= 0; bit--) {
    if (value >> bit >= by) {
      value -= (uint64_t)by << bit;
      quotient |= 1u << bit;
    }
  }
  return quotient;
}

void sketch_features(const int8_t *input, int32_t features[3]) {
  int32_t projections[2] = {0, 0};
  uint32_t squares = 0;
  for (int i = 0; i < SKETCH_SIZE; i++) {
    const int32_t distance = input[i] - sketch_center[i];
    projections[0] += distance * sketch_weights[0][i];
    projections[1] += distance * sketch_weights[1][i];
    squares += (uint32_t)(distance * distance);
  }
  int64_t rest = squares;
  for (int j = 0; j < 2; j++) {
    features[j] = projections[j];
    const int64_t projection = projections[j];
    rest -= divide((uint64_t)(projection * projection), sketch_norms[j]);
  }
  /* Rounded weights are not quite orthogonal. */
  features[2] = (int32_t)(rest < 0 ? 0 : rest > INT32_MAX ? INT32_MAX : rest);
}

void sketch_count(link_sketch *frame, const sketch_limits *limits, const int8_t *input,
                  uint8_t decided, uint8_t confidence_q8) {
  int32_t features[3];
  sketch_features(input, features);
  for (int j = 0; j < 3; j++) {
    const int32_t value = features[j];
    int bin = 0;
    while (bin < 7 && limits->edges[j][bin] <= value) {
      bin++;
    }
    if (bin < 7) {
      frame->histograms[j][bin]++;
    }
    frame->out_of_range[j] += value < limits->low[j] || value > limits->high[j];
  }
  int bin = 0;
  while (bin < 7 && limits->confidence_edges[bin] <= confidence_q8) {
    bin++;
  }
  if (bin < 7) {
    frame->confidence[bin]++;
  }
  frame->classes[decided < 7 ? decided : 7]++;
  frame->n++;
}
