/* Registers of the processor and of the CMSDK parts that QEMU's mps2-an386 emulates. Sources: Arm
 * DDI 0403E (ARMv7-M), DDI 0479C (Cortex-M System Design Kit), QEMU 7.2 hw/arm/mps2.c. */
#ifndef TINYOPS_MPS2_H
#define TINYOPS_MPS2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define SYST_CSR REGISTER(0xE000E010)
#define SYST_RVR REGISTER(0xE000E014)
#define SYST_CVR REGISTER(0xE000E018)
#define NVIC_ISER0 REGISTER(0xE000E100)
#define SCB_VTOR REGISTER(0xE000ED08)
#define SCB_AIRCR REGISTER(0xE000ED0C)
#define SCB_CFSR REGISTER(0xE000ED28)
#define SCB_MMFAR REGISTER(0xE000ED34)
#define SCB_BFAR REGISTER(0xE000ED38)
#define SCB_CPACR REGISTER(0xE000ED88)
#define MPU_CTRL REGISTER(0xE000ED94)
#define MPU_RBAR REGISTER(0xE000ED9C)
#define MPU_RASR REGISTER(0xE000EDA0)

#define AIRCR_RESET (0x05FA0000u | 1u << 2)
#define CFSR_MMARVALID (1u << 7)
#define CFSR_MSTKERR (1u << 4)
#define CFSR_BFARVALID (1u << 15)
#define CFSR_STKERR (1u << 12)

typedef struct {
  volatile uint32_t data;
  volatile uint32_t state;
  volatile uint32_t control;
  volatile uint32_t interrupt; /* read: status, write: clear */
  volatile uint32_t divider;
} cmsdk_uart;

#define UART_TX_FULL (1u << 0)
#define UART_RX_FULL (1u << 1)
#define UART_TX_ENABLE (1u << 0)
#define UART_RX_ENABLE (1u << 1)
#define UART_TX_INTERRUPT (1u << 2)
#define UART_RX_INTERRUPT (1u << 3)
#define UART_TX_PENDING (1u << 0)
#define UART_RX_PENDING (1u << 1)

#define UART0 ((cmsdk_uart *)0x40004000)
#define UART1 ((cmsdk_uart *)0x40005000)

/* The part of the PSRAM that the sensor fills; a power of two of bytes. */
#define SENSOR_WINDOW 0x21000000u
#define SENSOR_WINDOW_BYTES 0x10000u

/* From the linker script. */
extern uint32_t link_stack_low[], link_stack_high[];
extern uint32_t link_data_from[], link_data_start[], link_data_end[];
extern uint32_t link_bss_start[], link_bss_end[];
extern const uint8_t link_image_start[], link_parameters_start[];

void protect_memory(void);
void start_uarts(void);
bool read_sensor_line(uint8_t *byte);
void write_sensor_line(const uint8_t *bytes, size_t length);
_Noreturn void report_fault(const uint32_t *stacked);

#endif
