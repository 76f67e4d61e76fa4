#include "board.h"
#include "image.h"
#include "parameters.h"
#include "sampling.h"
#include "server.h"

int main(void) {
  board_start();
  image_check();
  parameters_load();
  server_announce();
  for (;;) {
    const bool more_requests = server_poll();
    const bool more_samples = sampling_poll();
    if (!more_requests && !more_samples) {
      board_idle();
    }
  }
}
