/* Does what a broken application might do, as asked by one byte over the link. */
#include "board.h"
#include "board_config.h"
#include "link.h"

static volatile uint32_t sink;
static uint8_t frame[LINK_MAX_FRAME];

static void say(uint8_t what) {
  const uint8_t hello[] = {LINK_HELLO | LINK_REPLY, 1, what};
  board_link_write(frame, link_encode(hello, sizeof hello, frame));
}

static uint32_t __attribute__((noinline)) recurse(uint32_t depth) {
  volatile uint32_t frame[64];
  frame[depth % 64] = depth;
  return recurse(depth + 1) + frame[0];
}

int main(void) {
  board_start();
  say(board_faults());
  for (;;) {
    uint8_t what;
    while (!board_link_read(&what)) {
      board_idle();
    }
    if (what == 'f') {
      *(volatile uint32_t *)0x00020000 = 1; /* own flash */
    } else if (what == 'b') {
      *(volatile uint32_t *)0x00008000 = 1; /* the bootloader's flash */
    } else if (what == 'n') {
      sink = *(volatile uint32_t *)0x00000004; /* through a null pointer */
    } else if (what == 'e') {
      *(volatile uint32_t *)0x20040000 = 1; /* behind RAM */
    } else if (what == 'x') {
      static uint16_t code[] = {0x4770};
      ((void (*)(void))((uintptr_t)code | 1))(); /* code in RAM */
    } else if (what == 's') {
      sink = recurse(0);
    } else if (what == 'r') {
      *(volatile uint32_t *)0x2003fffc = 1;    /* the last word of RAM is there */
      sink = *(volatile uint32_t *)0x000ffffc; /* so is the last of flash */
      board_link_write((const uint8_t *)"\0", 1);
      say('k');
    } else if (what == 'l') {
      sink = *(volatile uint32_t *)(BOARD_APP_BASE - 4); /* just below the application */
    } else if (what == 'h') {
      sink = *(volatile uint32_t *)BOARD_FLASH_END; /* behind flash */
    } else if (what == 'i') {
      sink = *(volatile uint32_t *)BOARD_APP_BASE; /* its first and its last word are there */
      sink = *(volatile uint32_t *)(BOARD_FLASH_END - 4);
      board_link_write((const uint8_t *)"\0", 1);
      say('k');
    } else if (what == 'w') {
      *(volatile uint32_t *)0x21000000 = 1; /* the sensor's window */
    } else if (what == 'v') {
      sink = *(volatile uint32_t *)0x2100fffc; /* its last word is there */
      sink = *(volatile uint32_t *)0x21010000; /* behind it */
    } else if (what == 'a') {
      board_sensor_ask(3);
    } else if (what == 't') {
      const int16_t *block = board_sensor_take();
      say(block != NULL ? (uint8_t)block[2] : 0);
    }
  }
}
