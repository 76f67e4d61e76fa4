/* What a board gives to the application. Pins, clocks and interrupts are behind this file. */
#ifndef TINYOPS_BOARD_H
#define TINYOPS_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Set up serial lines, memory protection and counter; interrupts are on afterwards. */
void board_start(void);

/* Take one received byte; false when there is none. */
bool board_link_read(uint8_t *byte);
/* Send all bytes; sleeps while the line is busy. */
void board_link_write(const uint8_t *bytes, size_t length);

/* Start one transfer of `frames` int16 frames [frame][channel]; the processor is free meanwhile. */
void board_sensor_ask(uint16_t frames);
/* Its block, once, when it is complete, else NULL. Valid until the next question. */
const int16_t *board_sensor_take(void);

/* Sleep until an interrupt; returns at once when a received byte or a block may wait. */
void board_idle(void);

/* Counter of the processor's clock or of a fixed fraction of it. */
void board_stopwatch_start(void);
uint32_t board_stopwatch_stop(void);

/* Most bytes of stack in use at any time since boot. */
uint32_t board_stack_used(void);
/* Faults since power-on, saturating at 255. */
uint8_t board_faults(void);
/* The chip's own number, LINK_CHIP_ID_BYTES; zeros where it has none. */
void board_chip_id(uint8_t *id);

/* First byte of the image and bytes under its CRC; the first byte of a parameter page, 0 or 1. */
const uint8_t *board_image(void);
size_t board_image_size(void);
const uint8_t *board_parameters(int page);

#endif
