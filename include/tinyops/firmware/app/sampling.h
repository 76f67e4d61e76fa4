/* Windows from the sensor line: ask for frames, keep the overlap, decide. Never waits. */
#ifndef TINYOPS_APP_SAMPLING_H
#define TINYOPS_APP_SAMPLING_H

#include <stdbool.h>

/* Take some of the bytes that have arrived; true when there may be more to do at once. */
bool sampling_poll(void);

#endif
