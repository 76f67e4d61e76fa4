/* Microphone, and the interpreter: first the model's bytes ($SHIM_MODEL_BYTES of them) and then
 * every input go to file descriptor $SHIM_ASK; the test runs them and answers on $SHIM_TELL. */
#include <Arduino.h>
#include <ESP_I2S.h>
#include <stdlib.h>
#include <tensorflow/lite/micro/micro_interpreter.h>
#include <unistd.h>

#define LARGEST 65536

void I2SClass::setPins(int8_t, int8_t, int8_t, int8_t, int8_t) {}
bool I2SClass::begin(i2s_mode_t, uint32_t, i2s_data_bit_width_t, i2s_slot_mode_t) { return true; }

size_t I2SClass::readBytes(char *buffer, size_t size) {
  size_t done = 0;
  while (done < size && shim_sample((int16_t *)(buffer + done))) {
    done += 2;
  }
  return done;
}

static int8_t in[LARGEST], out[LARGEST];
static TfLiteTensor tensors[2] = {{{in}, 0}, {{out}, 0}};

static int line_of(const char *name) { return atoi(getenv(name)); }

static bool all(int line, void *bytes, size_t size, bool to) {
  uint8_t *at = (uint8_t *)bytes;
  while (size > 0) {
    const ssize_t done = to ? ::write(line, at, size) : ::read(line, at, size);
    if (done <= 0) {
      return false;
    }
    at += done;
    size -= (size_t)done;
  }
  return true;
}

namespace tflite {
static const void *model_bytes;
static unsigned operators;

MicroInterpreter::MicroInterpreter(const Model *model, const MicroOpResolver &resolver, uint8_t *,
                                   size_t) {
  model_bytes = model;
  operators = resolver.added;
}

/* The number of operators that were added, and the model; the sizes of its tensors come back. */
TfLiteStatus MicroInterpreter::AllocateTensors() {
  const size_t size = (size_t)atoi(getenv("SHIM_MODEL_BYTES"));
  uint32_t sizes[2];
  if (!all(line_of("SHIM_ASK"), &operators, sizeof operators, true) ||
      !all(line_of("SHIM_ASK"), (void *)model_bytes, size, true) ||
      !all(line_of("SHIM_TELL"), sizes, sizeof sizes, false)) {
    return kTfLiteError;
  }
  tensors[0].bytes = sizes[0];
  tensors[1].bytes = sizes[1];
  return kTfLiteOk;
}

TfLiteStatus MicroInterpreter::Invoke() {
  const bool done = all(line_of("SHIM_ASK"), in, tensors[0].bytes, true) &&
                    all(line_of("SHIM_TELL"), out, tensors[1].bytes, false);
  return done ? kTfLiteOk : kTfLiteError;
}

TfLiteStatus MicroInterpreter::Reset() { return kTfLiteOk; }

TfLiteTensor *MicroInterpreter::input(size_t) { return &tensors[0]; }
TfLiteTensor *MicroInterpreter::output(size_t) { return &tensors[1]; }
} // namespace tflite
