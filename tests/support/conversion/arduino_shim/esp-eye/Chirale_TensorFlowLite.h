/* The interpreter's API. host/tflm.cpp lets the TensorFlow Lite Micro of the test's own process run
 * the model: another build of the same interpreter. */
#ifndef SHIM_CHIRALE_H
#define SHIM_CHIRALE_H

#endif
