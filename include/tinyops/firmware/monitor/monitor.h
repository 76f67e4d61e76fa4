/* Frames of counts from the windows that the device decides. Not part of an image without a
 * sketch (APP_SKETCH 0). */
#ifndef TINYOPS_MONITOR_MONITOR_H
#define TINYOPS_MONITOR_MONITOR_H

#include "parameters.h"

/* Take a decided window; `block` says whether and how it is counted, and may be NULL. */
void monitor_add(const parameter_block *block, const int8_t *input, uint8_t decided,
                 uint8_t confidence_q8);
/* Answer a LINK_FRAME request; returns the size of the answer, 0 when there is no frame. */
size_t monitor_frame(const link_frame_request *request, uint8_t *answer);

#endif
