/* The serial lines: sockets. When the other end is gone, so is the power. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "board.h"
#include "host.h"

#define RING 2048

typedef struct {
  uint8_t bytes[RING];
  size_t head;
  size_t tail;
} ring;

static ring rings[2];

static ring *ring_of(int32_t line) { return &rings[line == hardware->sensor]; }

bool read_line(int32_t line, uint8_t *byte) {
  ring *from = ring_of(line);
  if (from->head == from->tail) {
    const ssize_t size = recv(line, from->bytes, sizeof from->bytes, MSG_DONTWAIT);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) {
      _exit(0);
    }
    from->head = size > 0 ? (size_t)size : 0;
    from->tail = 0;
  }
  if (from->head == from->tail) {
    return false;
  }
  *byte = from->bytes[from->tail++];
  return true;
}

void write_line(int32_t line, const uint8_t *bytes, size_t length) {
  while (length > 0) {
    const ssize_t sent = send(line, bytes, length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) {
      _exit(0);
    }
    const size_t done = sent > 0 ? (size_t)sent : 0;
    bytes += done;
    length -= done;
  }
}

bool board_link_read(uint8_t *byte) { return read_line(hardware->link, byte); }

void board_link_write(const uint8_t *bytes, size_t length) {
  write_line(hardware->link, bytes, length);
}

void board_idle(void) {
  for (int i = 0; i < 2; i++) {
    if (rings[i].head != rings[i].tail) {
      return;
    }
  }
  struct pollfd lines[2] = {{.fd = hardware->link, .events = POLLIN},
                            {.fd = hardware->sensor, .events = POLLIN}};
  (void)poll(lines, 2, -1);
}
