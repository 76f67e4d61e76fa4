/* The one frontend: a window of samples becomes the model's input. Training runs the host build of
 * these files and the firmware links the same ones.
 *
 * Same bytes everywhere: integers, or float in a fixed order with precomputed tables. Compile with
 * -ffp-contract=off (a fused multiply-add rounds once where two operations round twice) and never
 * with -ffast-math. No libm, no heap; the scratch memory is static, so frontend_run is not
 * re-entrant. */
#ifndef TINYOPS_FRONTEND_H
#define TINYOPS_FRONTEND_H

#include <stdint.h>

/* Generated: FRONTEND_WINDOW, FRONTEND_HOP, FRONTEND_CHANNELS, FRONTEND_OUTPUT and what the kind
 * needs besides. */
#include "frontend_config.h"

/* window: [FRONTEND_WINDOW][FRONTEND_CHANNELS] raw counts, interleaved.
 * features: [FRONTEND_OUTPUT] int8 with the fixed scale and zero point of this frontend. */
void frontend_run(const int16_t *window, int8_t *features);

#endif
