/* The link between a gateway and a device: the one definition of its bytes.
 *
 * A frame is COBS(payload + CRC-16 LE) + 0x00; the payload is type u8, sequence u8, body. All
 * numbers are little endian. The gateway asks and the device answers with type | LINK_REPLY and
 * the same sequence; a device speaks unasked only at boot (HELLO reply, sequence 0) and when it
 * faults (LINK_FAULT, sequence 0). */
#ifndef TINYOPS_LINK_H
#define TINYOPS_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_MAX_BODY 1024
#define LINK_MAX_PAYLOAD (LINK_MAX_BODY + 2)
/* Payload, CRC, one COBS code a 254 bytes and one more, delimiter. */
#define LINK_MAX_FRAME (LINK_MAX_PAYLOAD + 2 + (LINK_MAX_PAYLOAD + 2) / 254 + 1 + 1)

/* Requests. */
#define LINK_HELLO 0x01    /* {} -> link_hello */
#define LINK_SELFTEST 0x02 /* link_selftest_request -> link_selftest, the first outputs int8 */
#define LINK_DATA 0x03     /* offset u32, bytes -> end u32: fills the input buffer */
#define LINK_INFER 0x04    /* options u8 -> link_infer, the first outputs int8 */
#define LINK_DECISION 0x05 /* {} -> link_decision, classes u32 */
#define LINK_FRAME 0x06    /* link_frame_request -> link_sketch, or {} when there is none */
#define LINK_OUTPUT 0x07   /* offset u32 -> int8: what INFER or SELFTEST computed, from there on */
#define LINK_REPLY 0x80
/* Unasked, and the answer to what cannot be served. */
#define LINK_FAULT 0xFE /* link_fault, then the device resets */
#define LINK_ERROR 0xFF /* request type u8, code u8; type 0 and sequence 0: unreadable frame */

#define LINK_ERROR_FRAME 1  /* COBS, CRC or size of the frame */
#define LINK_ERROR_TYPE 2   /* no such request */
#define LINK_ERROR_LENGTH 3 /* the body has the wrong size */
#define LINK_ERROR_RANGE 4  /* beyond the input buffer, or a value out of range */

/* Without options: the input buffer holds the model's input, int8, and the model goes on from the
 * state that earlier inputs have left in it. */
#define LINK_INFER_WINDOW 1 /* the input buffer holds a raw window, int16 */
#define LINK_INFER_RESET 2  /* first forget that state, as at boot */

#define LINK_FRAME_ACKNOWLEDGE 1 /* drop the frames up to the one that starts at `window` */
#define LINK_FRAME_PARTIAL 2     /* answer with the frame that is being filled; it stays */

#define LINK_MAX_CLASSES 32
#define LINK_CHIP_ID_BYTES 8
#define LINK_MAX_GOLDEN 16

/* Image header, at this offset in the application image. Texts are padded with zeros. */
#define LINK_IMAGE_MAGIC "TOPS"
#define LINK_IMAGE_FORMAT 1
#define LINK_IMAGE_HEADER_OFFSET 0x200

typedef struct __attribute__((packed)) {
  char magic[4];
  uint16_t format;
  uint16_t header_size;
  char project[32];
  char version[64];
  char board[24];
  char target[32];
  char runtime[8];
  uint8_t model_sha256[32];
  char reference_tag[32];
  uint32_t model_bytes; /* size of the .tflite that the sha256 names */
  uint32_t arena_bytes;
  uint32_t ram_bytes;    /* static RAM and reserved stack */
  uint32_t load_address; /* of the first byte of the image */
  uint32_t image_size;   /* bytes under the CRC; parameter pages follow at this offset */
  uint32_t image_crc32;  /* zlib, over image_size bytes with this field read as zero */
} link_image_header;

typedef struct __attribute__((packed)) {
  link_image_header image;
  uint32_t boot_crc32;    /* computed at boot; equals image.image_crc32 when the image is whole */
  uint32_t input_bytes;   /* size of the input buffer that DATA fills */
  uint32_t feature_bytes; /* size of the model's input */
  uint32_t parameters_sequence;
  uint32_t windows;     /* decisions since boot */
  uint32_t stack_bytes; /* high-water mark since boot */
  uint32_t bad_frames;  /* unreadable frames and refused requests since boot */
  uint32_t window;      /* frames a window; 0 window: the device does not sample by itself */
  uint32_t hop;
  uint32_t outputs;
  uint8_t channels;
  uint8_t golden;
  uint8_t boot_ok;    /* 1: boot_crc32 matches */
  uint8_t faults;     /* faults since power-on, saturating */
  uint8_t last_class; /* 255: none yet */
  uint8_t confidence_q8;
  uint8_t chip_id[LINK_CHIP_ID_BYTES]; /* of the chip, whatever it runs; zeros: it has none */
} link_hello;

typedef struct __attribute__((packed)) {
  uint32_t nonce;
} link_selftest_request;

typedef struct __attribute__((packed)) {
  uint8_t golden;
  uint8_t passed;
  uint32_t crc32;   /* zlib, over nonce LE and the image_size bytes as they are in flash */
  uint32_t outputs; /* of all golden windows together */
} link_selftest;

typedef struct __attribute__((packed)) {
  uint32_t ticks; /* of the board's counter, frontend and model together */
  uint32_t outputs;
} link_infer;

typedef struct __attribute__((packed)) {
  uint32_t windows;
  uint32_t ticks; /* of the board's counter, for the last window from its samples to its counts */
  uint8_t last_class;
  uint8_t confidence_q8;
} link_decision;

typedef struct __attribute__((packed)) {
  uint16_t window; /* as in link_sketch; of an unknown one nothing is dropped */
  uint8_t options;
} link_frame_request;

#define LINK_SKETCH_KIND 0x11
#define LINK_SKETCH_FIRST 1     /* no frame before this one since boot */
#define LINK_SKETCH_SATURATED 2 /* a counter is at its end; never with up to 255 windows */
#define LINK_SKETCH_LOST 4      /* frames before this one were dropped unread */

/* The counts of n counted windows. Of eight bins the last is not sent: n less the others. */
typedef struct __attribute__((packed)) {
  uint8_t kind;
  uint8_t model;     /* first byte of the model's sha256 */
  uint8_t reference; /* low byte of link_crc16 over the text of the reference tag */
  uint16_t window;   /* the first counted window's index among the counted ones, modulo 65536 */
  uint8_t n;
  uint8_t flags;
  uint8_t histograms[3][7];
  uint8_t out_of_range[3];
  uint8_t confidence[7];
  uint8_t classes[8]; /* the last one: that class and all after it */
  uint16_t crc16;     /* over the bytes before it */
} link_sketch;

typedef struct __attribute__((packed)) {
  uint8_t vector;   /* exception number: 3 HardFault, 4 MemManage, 5 BusFault, 6 UsageFault */
  uint32_t status;  /* CFSR */
  uint32_t address; /* MMFAR or BFAR when the status says it is valid, else 0 */
  uint32_t pc;      /* stacked return address, 0 when the frame could not be stacked */
} link_fault;

/* Virtual sensor: the device asks on a serial line of its own, the host lays that many frames of
 * int16, interleaved [frame][channel], at the start of the memory that it shares with the device,
 * then sends the tag back. A question voids the one before. */
#define VIRTUAL_CHIP_ID_OFFSET 0x10000 /* of the chip's number in that memory, before power on */
#define SENSOR_REQUEST 0x53            /* 'S', tag u8, frames u16 -> tag u8 */

/* CRC-16/XMODEM: poly 0x1021, init 0, check("123456789") 0x31C3. */
uint16_t link_crc16(uint16_t crc, const uint8_t *bytes, size_t length);
/* CRC-32 of zlib; start with 0. */
uint32_t link_crc32(uint32_t crc, const uint8_t *bytes, size_t length);

/* Encode payload (type, sequence, body) to a frame with delimiter; returns its length. `frame`
 * has room for LINK_MAX_FRAME bytes; `length` is 2 to LINK_MAX_PAYLOAD, else 0 is returned. */
size_t link_encode(const uint8_t *payload, size_t length, uint8_t *frame);

typedef struct {
  uint8_t payload[LINK_MAX_PAYLOAD + 2];
  uint16_t length;
  uint8_t code;      /* of the running COBS block, 0 before the first */
  uint8_t remaining; /* bytes of that block still to come */
  bool spoiled;
} link_decoder;

typedef enum { LINK_MORE, LINK_GOOD, LINK_BAD } link_event;

/* Feed one byte. LINK_GOOD: payload[0..length) is a checked payload until the next call. */
link_event link_decode(link_decoder *decoder, uint8_t byte);

#endif
