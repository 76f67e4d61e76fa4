/* Windows from the sensor's blocks: ask for frames, keep the overlap, decide. Never waits. */
#ifndef TINYOPS_APP_SAMPLING_H
#define TINYOPS_APP_SAMPLING_H

#include <stdbool.h>

/* Decide a window that is complete; true when there may be more to do at once. */
bool sampling_poll(void);

#endif
