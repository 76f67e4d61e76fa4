/* Two serial lines with received bytes in rings. QEMU gives one byte at a time and waits while it
 * is not taken, so nothing is lost when a ring is full. */
#include "board.h"
#include "mps2.h"

#define LINK_RING 2048
#define SENSOR_RING 16

typedef struct {
  cmsdk_uart *uart;
  uint8_t *bytes;
  uint16_t size;
  volatile uint16_t head; /* written by the interrupt */
  volatile uint16_t tail; /* written by the reader */
  volatile bool stalled;  /* a byte waits in the UART for room in the ring */
} line;

static uint8_t link_bytes[LINK_RING];
static uint8_t sensor_bytes[SENSOR_RING];
static line link_line = {.uart = UART0, .bytes = link_bytes, .size = LINK_RING};
static line sensor_line = {.uart = UART1, .bytes = sensor_bytes, .size = SENSOR_RING};

static void receive(line *from) {
  const uint16_t next = (uint16_t)((from->head + 1) % from->size);
  if (next == from->tail) {
    from->stalled = true;
    return;
  }
  from->bytes[from->head] = (uint8_t)from->uart->data;
  from->head = next;
}

static void interrupt(line *of) {
  const uint32_t pending = of->uart->interrupt;
  of->uart->interrupt = pending;
  if (pending & UART_RX_PENDING && of->uart->state & UART_RX_FULL) {
    receive(of);
  }
}

void uart0_interrupt(void) { interrupt(&link_line); }
void uart1_interrupt(void) { interrupt(&sensor_line); }

void start_uarts(void) {
  for (int i = 0; i < 2; i++) {
    cmsdk_uart *uart = i ? UART1 : UART0;
    uart->divider = 16;
    uart->control = UART_TX_ENABLE | UART_RX_ENABLE | UART_TX_INTERRUPT | UART_RX_INTERRUPT;
    /* QEMU 7.2 looks at its end of the line again only when the data register is read. */
    (void)uart->data;
  }
  NVIC_ISER0 = 0xF;
}

static bool read_line(line *from, uint8_t *byte) {
  if (from->head == from->tail) {
    return false;
  }
  *byte = from->bytes[from->tail];
  from->tail = (uint16_t)((from->tail + 1) % from->size);
  if (from->stalled) {
    __asm volatile("cpsid i" ::: "memory");
    from->stalled = false;
    receive(from);
    __asm volatile("cpsie i" ::: "memory");
  }
  return true;
}

/* With interrupts off a pending one still ends WFI, so none can slip in before it. */
static void write_line(line *to, const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) {
    while (to->uart->state & UART_TX_FULL) {
      __asm volatile("cpsid i" ::: "memory");
      if (to->uart->state & UART_TX_FULL) {
        __asm volatile("wfi" ::: "memory");
      }
      __asm volatile("cpsie i\n isb" ::: "memory");
    }
    to->uart->data = bytes[i];
  }
}

bool board_link_read(uint8_t *byte) { return read_line(&link_line, byte); }
bool read_sensor_line(uint8_t *byte) { return read_line(&sensor_line, byte); }

void board_link_write(const uint8_t *bytes, size_t length) {
  write_line(&link_line, bytes, length);
}

void write_sensor_line(const uint8_t *bytes, size_t length) {
  write_line(&sensor_line, bytes, length);
}

void board_idle(void) {
  __asm volatile("cpsid i" ::: "memory");
  if (link_line.head == link_line.tail && sensor_line.head == sensor_line.tail) {
    __asm volatile("wfi" ::: "memory");
  }
  __asm volatile("cpsie i\n isb" ::: "memory");
}
