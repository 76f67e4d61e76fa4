/* As much of Arduino's API as an exported library uses. host/ and mps2/ implement it. */
#ifndef SHIM_ARDUINO_H
#define SHIM_ARDUINO_H

#include <stddef.h>
#include <stdint.h>

#define HIGH 1
#define LOW 0
#define OUTPUT 1
#define LED_BUILTIN 13

void pinMode(int pin, int mode);
void digitalWrite(int pin, int value);
int analogRead(int pin);
void analogReadResolution(int bits);
unsigned long millis(void);
unsigned long micros(void);
void delay(unsigned long ms);

class SerialShim {
public:
  void begin(unsigned long baud);
  int available(void);
  int read(void);
  size_t write(const uint8_t *bytes, size_t length);
};

extern SerialShim Serial;

/* The world: the next sample of the file that stands in for it; false at its end. */
bool shim_sample(int16_t *value);

void setup(void);
void loop(void);

#endif
