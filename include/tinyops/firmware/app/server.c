#include "server.h"

#include <string.h>

#include "app_config.h"
#include "board.h"
#include "decision.h"
#include "image.h"
#include "model.h"
#include "monitor.h"
#include "parameters.h"
#include "runtime.h"
#include "sampling.h"
#include "selftest.h"

#define WINDOW_BYTES (MODEL_WINDOW_VALUES * (int)sizeof(int16_t))
#define INPUT_BYTES (WINDOW_BYTES > MODEL_FEATURES ? WINDOW_BYTES : MODEL_FEATURES)
/* Bytes of one call: sampling gets its turn between. */
#define BURST 256

static link_decoder decoder;
static uint8_t frame[LINK_MAX_FRAME];
/* Type and sequence, then the body; the union aligns nothing, the structs are packed. */
static struct __attribute__((packed)) {
  uint8_t type;
  uint8_t sequence;
  uint8_t body[LINK_MAX_BODY];
} reply;
static union {
  int16_t window[MODEL_WINDOW_VALUES];
  int8_t features[MODEL_FEATURES];
  uint8_t bytes[INPUT_BYTES];
} input;
/* Logits of the last INFER or SELFTEST; a reply carries what fits, OUTPUT the rest. */
static int8_t outputs[APP_GOLDEN * MODEL_OUTPUTS];
static size_t outputs_size;
static uint32_t bad_frames;

static void send(uint8_t type, uint8_t sequence, size_t body_length) {
  reply.type = type;
  reply.sequence = sequence;
  board_link_write(frame, link_encode((const uint8_t *)&reply, body_length + 2, frame));
}

static void refuse(uint8_t request, uint8_t sequence, uint8_t code) {
  bad_frames++;
  reply.body[0] = request;
  reply.body[1] = code;
  send(LINK_ERROR, sequence, 2);
}

/* Copy outputs from `offset` on into the reply's body from `start` on; returns the body's size. */
static size_t reply_outputs(size_t start, size_t offset) {
  const size_t room = sizeof reply.body - start;
  const size_t left = outputs_size - offset;
  const size_t size = left < room ? left : room;
  memcpy(reply.body + start, outputs + offset, size);
  return start + size;
}

static size_t hello(void) {
  const decision_state *decided = decision();
  const parameter_block *block = parameters();
  link_hello content = {
      .image = image_header,
      .boot_crc32 = image_boot_crc(),
      .input_bytes = INPUT_BYTES,
      .feature_bytes = (uint32_t)MODEL_FEATURES,
      .parameters_sequence = block != NULL ? block->sequence : 0,
      .windows = decided->windows,
      .stack_bytes = board_stack_used(),
      .bad_frames = bad_frames,
      .window = APP_SAMPLING ? FRONTEND_WINDOW : 0,
      .hop = FRONTEND_HOP,
      .outputs = MODEL_OUTPUTS,
      .channels = FRONTEND_CHANNELS,
      .golden = APP_GOLDEN,
      .boot_ok = image_is_whole(),
      .faults = board_faults(),
      .last_class = decided->last_class,
      .confidence_q8 = decided->confidence_q8,
  };
  board_chip_id(content.chip_id);
  memcpy(reply.body, &content, sizeof content);
  return sizeof content;
}

static size_t selftest(const uint8_t *body) {
  link_selftest_request request;
  memcpy(&request, body, sizeof request);
  const int passed = selftest_run(outputs);
  outputs_size = sizeof outputs;
  const link_selftest content = {
      .golden = APP_GOLDEN,
      .passed = (uint8_t)passed,
      .crc32 = image_nonce_crc(request.nonce),
      .outputs = (uint32_t)outputs_size,
  };
  memcpy(reply.body, &content, sizeof content);
  return reply_outputs(sizeof content, 0);
}

static size_t infer(uint8_t options) {
  if (options & LINK_INFER_RESET) {
    runtime_reset();
  }
  board_stopwatch_start();
  if (options & LINK_INFER_WINDOW) {
    model_run_window(input.window, outputs);
  } else {
    model_run_features(input.features, outputs);
  }
  outputs_size = MODEL_OUTPUTS;
  const link_infer content = {.ticks = board_stopwatch_stop(), .outputs = MODEL_OUTPUTS};
  memcpy(reply.body, &content, sizeof content);
  return reply_outputs(sizeof content, 0);
}

static size_t report_decision(void) {
  const decision_state *decided = decision();
  const link_decision content = {
      .windows = decided->windows,
      .ticks = sampling_ticks(),
      .last_class = decided->last_class,
      .confidence_q8 = decided->confidence_q8,
  };
  const size_t counts = APP_CLASSES * sizeof decided->counts[0];
  memcpy(reply.body, &content, sizeof content);
  memcpy(reply.body + sizeof content, decided->counts, counts);
  return sizeof content + counts;
}

static uint32_t read_u32(const uint8_t *bytes) {
  uint32_t value;
  memcpy(&value, bytes, sizeof value);
  return value;
}

static void serve(const uint8_t *payload, size_t length) {
  const uint8_t type = payload[0];
  const uint8_t sequence = payload[1];
  const uint8_t *body = payload + 2;
  const size_t size = length - 2;
  size_t answer;
  uint8_t code = LINK_ERROR_LENGTH;
  if (type == LINK_HELLO && size == 0) {
    answer = hello();
  } else if (type == LINK_SELFTEST && size == sizeof(link_selftest_request)) {
    answer = selftest(body);
  } else if (type == LINK_DATA && size >= sizeof(uint32_t)) {
    const uint32_t bytes = (uint32_t)(size - sizeof(uint32_t));
    const uint32_t offset = read_u32(body);
    if (bytes > sizeof input.bytes || offset > sizeof input.bytes - bytes) {
      refuse(type, sequence, LINK_ERROR_RANGE);
      return;
    }
    memcpy(input.bytes + offset, body + sizeof offset, bytes);
    const uint32_t end = offset + bytes;
    memcpy(reply.body, &end, sizeof end);
    answer = sizeof end;
  } else if (type == LINK_INFER && size == 1) {
    if (body[0] > (LINK_INFER_WINDOW | LINK_INFER_RESET)) {
      refuse(type, sequence, LINK_ERROR_RANGE);
      return;
    }
    answer = infer(body[0]);
  } else if (type == LINK_OUTPUT && size == sizeof(uint32_t)) {
    const uint32_t offset = read_u32(body);
    if (offset > outputs_size) {
      refuse(type, sequence, LINK_ERROR_RANGE);
      return;
    }
    answer = reply_outputs(0, offset);
  } else if (type == LINK_DECISION && size == 0) {
    answer = report_decision();
  } else if (type == LINK_FRAME && size == sizeof(link_frame_request)) {
    link_frame_request request;
    memcpy(&request, body, sizeof request);
    if (request.options > (LINK_FRAME_ACKNOWLEDGE | LINK_FRAME_PARTIAL)) {
      refuse(type, sequence, LINK_ERROR_RANGE);
      return;
    }
    answer = APP_SKETCH ? monitor_frame(&request, reply.body) : 0;
  } else {
    if (type < LINK_HELLO || type > LINK_OUTPUT) {
      code = LINK_ERROR_TYPE;
    }
    refuse(type, sequence, code);
    return;
  }
  send(type | LINK_REPLY, sequence, answer);
}

void server_announce(void) { send(LINK_HELLO | LINK_REPLY, 0, hello()); }

bool server_poll(void) {
  uint8_t byte;
  for (int i = 0; i < BURST; i++) {
    if (!board_link_read(&byte)) {
      return false;
    }
    const link_event event = link_decode(&decoder, byte);
    if (event == LINK_GOOD) {
      serve(decoder.payload, decoder.length);
      return true;
    }
    if (event == LINK_BAD) {
      refuse(0, 0, LINK_ERROR_FRAME);
    }
  }
  return true;
}
