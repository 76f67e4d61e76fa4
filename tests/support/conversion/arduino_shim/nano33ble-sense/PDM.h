/* The PDM library of Arduino's mbed cores. The "interrupt" comes when the sketch sleeps. */
#ifndef SHIM_PDM_H
#define SHIM_PDM_H

class PDMClass {
public:
  int begin(int channels, int rate);
  void onReceive(void (*function)(void));
  int available(void);
  int read(void *buffer, unsigned size);
};

extern PDMClass PDM;

#endif
