#include "app.h"

#include "board.h"
#include "image.h"
#include "parameters.h"
#include "sampling.h"
#include "server.h"

void app_start(void) {
  board_start();
  image_check();
  parameters_load();
  server_announce();
}

void app_step(void) {
  const bool more_requests = server_poll();
  const bool more_samples = sampling_poll();
  if (!more_requests && !more_samples) {
    board_idle();
  }
}
