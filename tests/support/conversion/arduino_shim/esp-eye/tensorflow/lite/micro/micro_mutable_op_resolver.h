#ifndef SHIM_RESOLVER_H
#define SHIM_RESOLVER_H

enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };

namespace tflite {
class MicroOpResolver {
public:
  unsigned added = 0;
};

template <unsigned int count> class MicroMutableOpResolver : public MicroOpResolver {
  TfLiteStatus add() { return added < count ? (added++, kTfLiteOk) : kTfLiteError; }

public:
  TfLiteStatus AddAveragePool2D() { return add(); }
  TfLiteStatus AddConv2D() { return add(); }
  TfLiteStatus AddDepthwiseConv2D() { return add(); }
  TfLiteStatus AddFullyConnected() { return add(); }
  TfLiteStatus AddMean() { return add(); }
  TfLiteStatus AddPad() { return add(); }
  TfLiteStatus AddReshape() { return add(); }
};
} // namespace tflite

#endif
