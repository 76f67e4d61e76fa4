/* SysTick as a stopwatch: 24 bits and a count of wraps. Off while nothing is timed, so that an idle
 * machine has no timer to wake it. */
#include "board.h"
#include "mps2.h"

#define SPAN 0x1000000u
#define RUN_AND_COUNT_WRAPS 7u /* enable, interrupt, processor clock */

static volatile uint32_t wraps;

void clock_interrupt(void) { wraps++; }

void board_stopwatch_start(void) {
  wraps = 0;
  SYST_RVR = SPAN - 1;
  SYST_CVR = 0;
  SYST_CSR = RUN_AND_COUNT_WRAPS;
}

uint32_t board_stopwatch_stop(void) {
  uint32_t count, before;
  do {
    before = wraps;
    count = SYST_CVR;
  } while (before != wraps);
  SYST_CSR = 0;
  return before * SPAN + ((SPAN - count) & (SPAN - 1));
}
