/* The core as a process: Serial is standard input and output, the world is the file named by
 * $SHIM_SAMPLES (int16), and the process ends with its standard input. */
#include <Arduino.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

SerialShim Serial;
static FILE *samples;

void __attribute__((weak)) shim_interrupt(void) {}

int main(void) {
  const char *name = getenv("SHIM_SAMPLES");
  samples = name != nullptr ? fopen(name, "rb") : nullptr;
  setup();
  for (;;) {
    loop();
  }
}

bool shim_sample(int16_t *value) {
  return samples != nullptr && fread(value, sizeof *value, 1, samples) == 1;
}

void SerialShim::begin(unsigned long) {}

int SerialShim::available(void) {
  struct pollfd line = {0, POLLIN, 0};
  if (poll(&line, 1, 0) > 0 && (line.revents & POLLHUP) && !(line.revents & POLLIN)) {
    _exit(0);
  }
  return (line.revents & POLLIN) != 0;
}

int SerialShim::read(void) {
  uint8_t byte;
  if (::read(0, &byte, 1) != 1) {
    _exit(0);
  }
  return byte;
}

size_t SerialShim::write(const uint8_t *bytes, size_t length) {
  const ssize_t sent = ::write(1, bytes, length);
  return sent > 0 ? (size_t)sent : 0;
}

void pinMode(int, int) {}
void digitalWrite(int, int) {}
void analogReadResolution(int) {}

int analogRead(int) {
  int16_t value = 0;
  (void)shim_sample(&value);
  return value;
}

unsigned long micros(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (unsigned long)now.tv_sec * 1000000ul + (unsigned long)now.tv_nsec / 1000ul;
}

unsigned long millis(void) { return micros() / 1000; }

void delay(unsigned long) {
  shim_interrupt();
  struct pollfd line = {0, POLLIN, 0};
  (void)poll(&line, 1, 1);
}
