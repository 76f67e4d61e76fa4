/* Faults: say what happened, remember it, reset. Runs at HardFault priority, where the memory
 * protection is off. */
#include "board.h"
#include "link.h"
#include "mps2.h"

#define RECORD_MAGIC 0x746C7566u
/* The host may not read: give up after about this many tries a byte. */
#define PATIENCE 1000000

/* Not cleared at reset: what is left of it after power-on does not have the magic. */
static struct {
  uint32_t magic;
  uint32_t count;
} record __attribute__((section(".noinit")));

uint8_t board_faults(void) {
  if (record.magic != RECORD_MAGIC) {
    record.magic = RECORD_MAGIC;
    record.count = 0;
  }
  return (uint8_t)(record.count < 255 ? record.count : 255);
}

static void write_blocking(const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) {
    for (int patience = PATIENCE; UART0->state & UART_TX_FULL && patience > 0; patience--) {
    }
    UART0->data = bytes[i];
  }
}

_Noreturn void report_fault(const uint32_t *stacked) {
  static struct __attribute__((packed)) {
    uint8_t type;
    uint8_t sequence;
    link_fault body;
  } message;
  static uint8_t frame[1 + LINK_MAX_FRAME];
  uint32_t vector;
  __asm volatile("mrs %0, ipsr" : "=r"(vector));
  const uint32_t status = SCB_CFSR;
  record.count = board_faults() + 1u;
  message.type = LINK_FAULT;
  message.body.vector = (uint8_t)vector;
  message.body.status = status;
  message.body.address = status & CFSR_MMARVALID   ? SCB_MMFAR
                         : status & CFSR_BFARVALID ? SCB_BFAR
                                                   : 0;
  message.body.pc = status & (CFSR_MSTKERR | CFSR_STKERR) ? 0 : stacked[6];
  /* The frame that was being sent is broken off: end it first. */
  frame[0] = 0;
  write_blocking(frame, 1 + link_encode((const uint8_t *)&message, sizeof message, frame + 1));
  SCB_AIRCR = AIRCR_RESET;
  for (;;) {
  }
}
