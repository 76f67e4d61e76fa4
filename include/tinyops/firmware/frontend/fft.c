#include "fft.h"

static void bit_reverse(fft_complex *value, int n) {
  for (int i = 1, j = 0; i < n; i++) {
    int bit = n >> 1;
    for (; j & bit; bit >>= 1) {
      j ^= bit;
    }
    j ^= bit;
    if (i < j) {
      fft_complex swapped = value[i];
      value[i] = value[j];
      value[j] = swapped;
    }
  }
}

/* exp(-2 pi i k / size) for k up to size / 2; sin(x) = cos(x - pi / 2) and cosine is even. */
static fft_complex twiddle(const float *cosine, int size, int k) {
  int from_quarter = k - size / 4;
  fft_complex factor = {cosine[k], -cosine[from_quarter < 0 ? -from_quarter : from_quarter]};
  return factor;
}

void fft(fft_complex *value, int n, const float *cosine, int size) {
  bit_reverse(value, n);
  for (int half = 1; half < n; half *= 2) {
    int stride = size / (2 * half);
    for (int k = 0; k < half; k++) {
      fft_complex w = twiddle(cosine, size, k * stride);
      for (int i = k; i < n; i += 2 * half) {
        fft_complex *low = &value[i], *high = &value[i + half];
        float re = high->re * w.re - high->im * w.im;
        float im = high->re * w.im + high->im * w.re;
        high->re = low->re - re;
        high->im = low->im - im;
        low->re += re;
        low->im += im;
      }
    }
  }
}

void fft_real(fft_complex *value, int n, const float *cosine) {
  fft(value, n, cosine, 2 * n);
  float first_re = value[0].re, first_im = value[0].im;
  value[0].re = first_re + first_im;
  value[0].im = first_re - first_im;
  /* Even and odd samples were transformed together; their spectra are the parts of Z that are
   * conjugate-symmetric and antisymmetric. */
  for (int k = 1; k <= n / 2; k++) {
    fft_complex a = value[k], b = value[n - k];
    fft_complex w = twiddle(cosine, 2 * n, k);
    float even_re = 0.5f * (a.re + b.re), even_im = 0.5f * (a.im - b.im);
    float odd_re = 0.5f * (a.im + b.im), odd_im = 0.5f * (b.re - a.re);
    float re = odd_re * w.re - odd_im * w.im;
    float im = odd_re * w.im + odd_im * w.re;
    value[k].re = even_re + re;
    value[k].im = even_im + im;
    value[n - k].re = even_re - re;
    value[n - k].im = im - even_im;
  }
}
