/* The core on QEMU's mps2-an386: vectors, Serial on UART0 without interrupts. Nothing is sampled.
 */
#include <Arduino.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define UART_DATA REGISTER(0x40004000)
#define UART_STATE REGISTER(0x40004004)
#define UART_CONTROL REGISTER(0x40004008)
#define UART_DIVIDER REGISTER(0x40004010)

extern "C" {
extern uint32_t shim_stack[], shim_data_from[], shim_data[], shim_data_end[], shim_bss[],
    shim_bss_end[];
extern void (*shim_init[])(void);
extern void (*shim_init_end[])(void);
void reset(void);
}

SerialShim Serial;

static void hang(void) {
  for (;;) {
  }
}

typedef void (*vector)(void);
extern "C" const vector shim_vectors[16] __attribute__((section(".vectors"), used)) = {
    (vector)shim_stack, reset, hang, hang, hang, hang, hang};

void reset(void) {
  for (uint32_t *to = shim_data, *from = shim_data_from; to < shim_data_end;) {
    *to++ = *from++;
  }
  for (uint32_t *to = shim_bss; to < shim_bss_end;) {
    *to++ = 0;
  }
  REGISTER(0xE000ED88) |= 0xFu << 20;
  __asm volatile("dsb\n isb" ::: "memory");
  for (void (**function)(void) = shim_init; function < shim_init_end; function++) {
    (*function)();
  }
  setup();
  for (;;) {
    loop();
  }
}

bool shim_sample(int16_t *) { return false; }

void SerialShim::begin(unsigned long) {
  UART_DIVIDER = 16;
  UART_CONTROL = 3;
  (void)UART_DATA;
}

int SerialShim::available(void) { return (UART_STATE & 2) != 0; }
int SerialShim::read(void) { return (int)UART_DATA; }

size_t SerialShim::write(const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) {
    while (UART_STATE & 1) {
    }
    UART_DATA = bytes[i];
  }
  return length;
}

void pinMode(int, int) {}
void digitalWrite(int, int) {}
int analogRead(int) { return 0; }
void analogReadResolution(int) {}
unsigned long micros(void) { return 0; }
unsigned long millis(void) { return 0; }
void delay(unsigned long) {}
