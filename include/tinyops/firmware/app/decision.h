/* Logits to a class with a confidence, and what was decided since boot. */
#ifndef TINYOPS_APP_DECISION_H
#define TINYOPS_APP_DECISION_H

#include "link.h"

#define DECISION_NONE 255

typedef struct {
  uint32_t windows;
  uint32_t counts[LINK_MAX_CLASSES];
  uint8_t last_class; /* DECISION_NONE before the first */
  uint8_t confidence_q8;
} decision_state;

/* Take the logits of one window. With more than LINK_MAX_CLASSES outputs nothing is decided. */
void decision_add(const int8_t *logits, int outputs);
const decision_state *decision(void);

#endif
