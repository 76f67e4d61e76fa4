/* The core as a process: Serial is standard input and output, the world is the file named by
 * $SHIM_SAMPLES (int16), and the process ends with its standard input. With $SHIM_ANALOG_US time is
 * counted, not real: 1 us a look at the clock, and so much an analogRead. */
#include <Arduino.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

SerialShim Serial;
static FILE *samples;
static unsigned long counted;
static unsigned long analog_us;

void __attribute__((weak)) shim_interrupt(void) {}

extern "C" void shim_open(void) {
  const char *name = getenv("SHIM_SAMPLES");
  samples = name != nullptr ? fopen(name, "rb") : nullptr;
  const char *us = getenv("SHIM_ANALOG_US");
  analog_us = us != nullptr ? (unsigned long)atoi(us) : 0;
}

/* What happens while a sketch does something else. */
extern "C" void shim_wait(void) { shim_interrupt(); }

int main(void) {
  shim_open();
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
  counted += analog_us;
  (void)shim_sample(&value);
  return value;
}

unsigned long micros(void) {
  if (analog_us > 0) {
    return ++counted;
  }
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
