/* The model as a .tflite in flash, run by the interpreter of the library Chirale_TensorFLowLite. */
#include <Chirale_TensorFlowLite.h>

#include <string.h>

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

/* Generated: TFLM_OPERATORS and TFLM_ADD, the model's operators and no others, and its bytes. */
#include "model_data.h"

extern "C" {
#include "runtime.h"
}

alignas(16) static uint8_t arena[MODEL_ARENA];

static tflite::MicroInterpreter *interpreter(void) {
  static tflite::MicroMutableOpResolver<TFLM_OPERATORS> resolver;
  static tflite::MicroInterpreter *ready = nullptr;
  static bool tried = false;
  if (!tried) {
    tried = true;
    TFLM_ADD(resolver);
    static tflite::MicroInterpreter made(tflite::GetModel(model_data), resolver, arena,
                                         sizeof arena);
    if (made.AllocateTensors() == kTfLiteOk) {
      ready = &made;
    }
  }
  return ready;
}

/* Without an interpreter the logits are all zero, and the golden windows do not pass. */
void runtime_infer(const int8_t *features, int8_t *logits) {
  memset(logits, 0, MODEL_OUTPUTS);
  tflite::MicroInterpreter *model = interpreter();
  if (model == nullptr) {
    return;
  }
  memcpy(model->input(0)->data.int8, features, MODEL_FEATURES);
  if (model->Invoke() == kTfLiteOk) {
    memcpy(logits, model->output(0)->data.int8, MODEL_OUTPUTS);
  }
}

void runtime_reset(void) {
  tflite::MicroInterpreter *model = interpreter();
  if (model != nullptr) {
    (void)model->Reset();
  }
}
