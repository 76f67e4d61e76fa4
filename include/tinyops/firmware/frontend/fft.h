/* Fourier transforms in float, in a fixed order: the same bytes on every IEEE 754 machine as long
 * as no multiply and add are contracted. */
#ifndef TINYOPS_FFT_H
#define TINYOPS_FFT_H

/* A sketch has no say in the compiler's flags, and GCC contracts by default where the processor can
 * (Cortex-M4F, LX6). Everywhere else -ffp-contract=off is given. */
#if defined(ARDUINO) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("fp-contract=off")
#endif

typedef struct {
  float re, im;
} fft_complex;

/* Forward transform of n (a power of two) values in place. `cosine` is cos(2 pi k / size) for
 * k = 0 .. size / 2, and n divides size. */
void fft(fft_complex *value, int n, const float *cosine, int size);

/* `value` holds 2 n real samples; afterwards bins 0 .. n - 1 of their spectrum. The real part of
 * the bin at the Nyquist frequency is left in value[0].im. size is 2 n. */
void fft_real(fft_complex *value, int n, const float *cosine);

#endif
