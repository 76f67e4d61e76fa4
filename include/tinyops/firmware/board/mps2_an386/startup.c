/* Vectors and reset. */
#include <string.h>

#include "board.h"
#include "board_config.h"
#include "link.h"
#include "mps2.h"

#define STACK_PAINT 0xC5C5C5C5u

int main(void);
void reset(void);
void fault(void);
void clock_interrupt(void);
void uart0_interrupt(void);
void uart1_interrupt(void);

typedef void (*vector)(void);

__attribute__((section(".vectors"), used)) const struct {
  uint32_t *stack;
  vector exceptions[15];
  vector interrupts[4];
} vectors = {
    .stack = link_stack_high,
    .exceptions = {reset, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault,
                   fault, fault, fault, clock_interrupt},
    .interrupts = {uart0_interrupt, uart0_interrupt, uart1_interrupt, uart1_interrupt},
};

void reset(void) {
  for (uint32_t *word = link_stack_low; word < (uint32_t *)__builtin_frame_address(0) - 16;) {
    *word++ = STACK_PAINT;
  }
  const uint32_t *from = link_data_from;
  for (uint32_t *word = link_data_start; word < link_data_end;) {
    *word++ = *from++;
  }
  for (uint32_t *word = link_bss_start; word < link_bss_end;) {
    *word++ = 0;
  }
  SCB_VTOR = (uint32_t)(uintptr_t)link_image_start;
  SCB_CPACR |= 0xFu << 20; /* floating point, on before any function that may use it */
  __asm volatile("dsb\n isb" ::: "memory");
  main();
  for (;;) {
  }
}

/* The stack may be what is broken: read the old pointer, then start a new stack. */
__attribute__((naked)) void fault(void) {
  __asm volatile("mrs r0, msp\n"
                 "ldr r1, =link_stack_high\n"
                 "mov sp, r1\n"
                 "b report_fault\n");
}

static uint8_t chip_id[LINK_CHIP_ID_BYTES];

void board_chip_id(uint8_t *id) { memcpy(id, chip_id, sizeof chip_id); }

void board_start(void) {
  /* Behind the sensor's window, which is all that may be read of that memory afterwards. */
  memcpy(chip_id, (const void *)(SENSOR_WINDOW + VIRTUAL_CHIP_ID_OFFSET), sizeof chip_id);
  protect_memory();
  start_uarts();
}

uint32_t board_stack_used(void) {
  const uint32_t *word = link_stack_low;
  while (word < link_stack_high && *word == STACK_PAINT) {
    word++;
  }
  return (uint32_t)((uintptr_t)link_stack_high - (uintptr_t)word);
}

const uint8_t *board_image(void) { return link_image_start; }

size_t board_image_size(void) {
  return (size_t)((uintptr_t)link_parameters_start - (uintptr_t)link_image_start);
}

const uint8_t *board_parameters(int page) {
  return link_parameters_start + page * BOARD_FLASH_PAGE;
}
