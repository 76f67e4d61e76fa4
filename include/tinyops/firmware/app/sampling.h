/* Windows from the sensor's blocks: ask for frames, keep the overlap, decide. Never waits. */
#ifndef TINYOPS_APP_SAMPLING_H
#define TINYOPS_APP_SAMPLING_H

#include <stdbool.h>
#include <stdint.h>

/* Decide a window that is complete; true when there may be more to do at once. */
bool sampling_poll(void);
/* Of the board's counter, from the samples of the last window to what is decided and counted. */
uint32_t sampling_ticks(void);

#endif
