#include "link.h"

typedef struct {
  uint8_t *out;
  size_t length; /* written so far, the open block's code included */
  size_t open;   /* where that code goes */
} cobs_writer;

static void cobs_put(cobs_writer *writer, uint8_t byte) {
  if (byte != 0) {
    writer->out[writer->length++] = byte;
    if (writer->length - writer->open < 0xff) {
      return;
    }
  }
  writer->out[writer->open] = (uint8_t)(writer->length - writer->open);
  writer->open = writer->length++;
}

size_t link_encode(const uint8_t *payload, size_t length, uint8_t *frame) {
  if (length < 2 || length > LINK_MAX_PAYLOAD) {
    return 0;
  }
  const uint16_t crc = link_crc16(0, payload, length);
  cobs_writer writer = {.out = frame, .length = 1, .open = 0};
  for (size_t i = 0; i < length; i++) {
    cobs_put(&writer, payload[i]);
  }
  cobs_put(&writer, (uint8_t)crc);
  cobs_put(&writer, (uint8_t)(crc >> 8));
  frame[writer.open] = (uint8_t)(writer.length - writer.open);
  frame[writer.length++] = 0;
  return writer.length;
}

static void restart(link_decoder *decoder) {
  decoder->length = 0;
  decoder->code = 0;
  decoder->remaining = 0;
  decoder->spoiled = false;
}

static void append(link_decoder *decoder, uint8_t byte) {
  if (decoder->length >= sizeof decoder->payload) {
    decoder->spoiled = true;
    return;
  }
  decoder->payload[decoder->length++] = byte;
}

static link_event finish(link_decoder *decoder) {
  const uint16_t length = decoder->length;
  const bool empty = decoder->code == 0;
  const bool whole = !decoder->spoiled && decoder->remaining == 0 && length >= 4;
  restart(decoder);
  if (empty) {
    return LINK_MORE; /* a lone delimiter only brings both ends into step */
  }
  if (!whole) {
    return LINK_BAD;
  }
  const uint8_t *end = decoder->payload + length - 2;
  const uint16_t sent = (uint16_t)(end[0] | end[1] << 8);
  if (link_crc16(0, decoder->payload, length - 2u) != sent) {
    return LINK_BAD;
  }
  decoder->length = (uint16_t)(length - 2);
  return LINK_GOOD;
}

link_event link_decode(link_decoder *decoder, uint8_t byte) {
  if (decoder->code == 0 && decoder->length != 0) {
    restart(decoder); /* the caller has read the last payload */
  }
  if (byte == 0) {
    return finish(decoder);
  }
  if (decoder->remaining == 0) {
    /* A block of 254 bytes ends without a zero; before the first block there is none. */
    if (decoder->code != 0 && decoder->code != 0xff) {
      append(decoder, 0);
    }
    decoder->code = byte;
    decoder->remaining = (uint8_t)(byte - 1);
  } else {
    append(decoder, byte);
    decoder->remaining--;
  }
  return LINK_MORE;
}
