/* Counts the instructions of each step of a compiled model, once, on inputs made here, and sends
 * them as 32-bit words: the number of steps, ticks of each, a hash of the output. */
#include "bknn_model.h"
#include "board.h"
#include "mps2.h"
#include "profile_config.h"

static uint32_t report[PROFILE_STEPS + 2];
static uint32_t done;
static int8_t input[BKNN_MODEL_INPUT_BYTES], output[BKNN_MODEL_OUTPUT_BYTES];
#if BKNN_MODEL_ARENA_SIZE > 0
static uint8_t arena[BKNN_MODEL_ARENA_SIZE] __attribute__((aligned(BKNN_MODEL_ARENA_ALIGNMENT)));
#else
#define arena NULL
#endif

/* Where an image has its header and parameters; nobody reads these. */
const uint8_t image_header[4] __attribute__((section(".image_header"), used)) = {0};
const uint8_t factory_parameters[4] __attribute__((section(".parameters"), used)) = {0};

void step_done(void);

void step_done(void) {
  if (done < PROFILE_STEPS) {
    report[1 + done++] = board_stopwatch_stop();
  }
  board_stopwatch_start();
}

int main(void) {
  board_start();
  uint32_t state = 1;
  for (size_t i = 0; i < sizeof input; i++) {
    state = state * 1664525u + 1013904223u; /* Numerical Recipes' generator */
    input[i] = (int8_t)(state >> 24);
  }
  board_stopwatch_start();
  bknn_model_infer(arena, input, output);
  uint32_t hash = 2166136261u; /* FNV-1a */
  for (size_t i = 0; i < sizeof output; i++) {
    hash = (hash ^ (uint8_t)output[i]) * 16777619u;
  }
  report[0] = done;
  report[PROFILE_STEPS + 1] = hash;
  board_link_write((const uint8_t *)report, sizeof report);
  for (;;) {
    board_idle();
  }
}
