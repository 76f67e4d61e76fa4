/* Kind "spectrum": what repeats in a vibration, and where in the spectrum it rings.
 *
 * For every channel FRONTEND_CARRIERS + 2 columns of FRONTEND_BINS values:
 *   carriers: the spectrum of the envelope in one of FRONTEND_CARRIERS equal bands, so that impacts
 *             show at their rate whichever resonance they excite (envelope analysis: Randall and
 *             Antoni 2011, MSSP 25, section 4). The logarithm of the envelope is taken, which lone
 *             knocks upset less than the square (Borghesani and Antoni 2018, MSSP 108), of the
 *             envelope plus a quarter of its mean, so that quiet stretches weigh little;
 *   lines:    the low end of the spectrum itself, where shaft and mains lines are;
 *   shape:    the whole spectrum in FRONTEND_BINS bands.
 * Each is a logarithm relative to its own mean, so gain does not matter. float in a fixed order;
 * the spectrum's buffer is reused band by band. */
#include <string.h>

#include "fft.h"
#include "frontend.h"
#include "frontend_tables.h"

#define HALF (FRONTEND_WINDOW / 2)
#define BAND (HALF / FRONTEND_CARRIERS)
#define SHAPE (HALF / FRONTEND_BINS)
#define MAPS (FRONTEND_CARRIERS + 2)
/* A power of two, so exact. Bins stay below 2^16 and the fourth power of one within float. */
#define SCALE (1.0f / ((float)FRONTEND_WINDOW * HALF))

static fft_complex spectrum[HALF];

/* log2 in steps of 1/256 by exponent and a table of 128 mantissas; 0 gives the lowest value. */
static int32_t log2_q8(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  int32_t exponent = (int32_t)(bits >> 23) - 127;
  return exponent * 256 + frontend_log2[(bits >> 16) & 127];
}

/* `steps` int8 steps for a factor of two, `zero` for the mean. */
static int8_t level(float power, int32_t mean_log, int steps, int zero) {
  int32_t value = (log2_q8(power) - mean_log) * steps;
  value = zero + ((value + 128) >> 8);
  return (int8_t)(value > 127 ? 127 : value < -128 ? -128 : value);
}

/* Squared magnitude of bin k under a Hann window, which is a convolution of the spectrum with
 * (-1/4, 1/2, -1/4). */
static float hann_power(int k) {
  fft_complex before = spectrum[k > 0 ? k - 1 : 1], here = spectrum[k];
  fft_complex after = spectrum[k + 1 < HALF ? k + 1 : k - 1];
  float re = 0.5f * here.re - 0.25f * (before.re + after.re);
  float im = 0.5f * here.im - 0.25f * (before.im + after.im);
  return re * re + im * im;
}

static float shape_power(int bin) {
  float power = 0.0f;
  for (int k = bin * SHAPE; k < (bin + 1) * SHAPE; k++) {
    power += hann_power(k);
  }
  return power;
}

static void column(float (*power)(int), int steps, int zero, int8_t *features) {
  float sum = 0.0f;
  for (int bin = 0; bin < FRONTEND_BINS; bin++) {
    sum += power(bin);
  }
  int32_t mean = log2_q8(sum * (1.0f / FRONTEND_BINS));
  for (int bin = 0; bin < FRONTEND_BINS; bin++) {
    float value = power(bin);
    features[bin * MAPS * FRONTEND_CHANNELS] =
        value > 0.0f ? level(value, mean, steps, zero) : -128;
  }
}

/* Band `carrier` of the spectrum becomes its own analytic signal, then the spectrum of its
 * logarithmic envelope. A forward transform of bins is the time signal backwards: the same for
 * magnitudes. */
static void demodulate(int carrier, int8_t *features) {
  fft_complex *band = spectrum + carrier * BAND;
  fft(band, BAND, frontend_cosine, FRONTEND_WINDOW);
  float sum = 0.0f;
  for (int i = 0; i < BAND; i++) {
    band[i].re = band[i].re * band[i].re + band[i].im * band[i].im;
    sum += band[i].re;
  }
  float floor = sum * (0.25f / BAND);
  int32_t log_sum = 0;
  for (int i = 0; i < BAND; i++) {
    int32_t value = log2_q8(band[i].re + floor);
    log_sum += value;
    band[i].re = (float)value;
    band[i].im = 0.0f;
  }
  float mean = (float)log_sum * (1.0f / BAND);
  for (int i = 0; i < BAND; i++) {
    /* Hann window: (1 - cos(2 pi i / BAND)) / 2 from the one table. */
    int turn = (i < BAND / 2 ? i : BAND - i) * (FRONTEND_WINDOW / BAND);
    float hann = 0.5f - 0.5f * frontend_cosine[turn];
    band[i].re = (band[i].re - mean) * hann;
  }
  fft(band, BAND, frontend_cosine, FRONTEND_WINDOW);
  /* The mean is a modulation by a factor of two, spread evenly over all bins. */
  int32_t reference = log2_q8(65536.0f * BAND);
  for (int bin = 0; bin < FRONTEND_BINS; bin++) {
    float power = band[bin].re * band[bin].re + band[bin].im * band[bin].im;
    features[bin * MAPS * FRONTEND_CHANNELS] =
        power > 0.0f ? level(power, reference, FRONTEND_CARRIER_STEPS, FRONTEND_CARRIER_ZERO)
                     : -128;
  }
}

void frontend_run(const int16_t *window, int8_t *features) {
  for (int channel = 0; channel < FRONTEND_CHANNELS; channel++) {
    int32_t sum = 0;
    for (int i = 0; i < FRONTEND_WINDOW; i++) {
      sum += window[i * FRONTEND_CHANNELS + channel];
    }
    for (int i = 0; i < HALF; i++) {
      const int16_t *sample = window + 2 * i * FRONTEND_CHANNELS + channel;
      /* FRONTEND_WINDOW times the deviation from the mean: below 2^30 for 16384 samples. */
      spectrum[i].re = (float)(sample[0] * FRONTEND_WINDOW - sum) * SCALE;
      spectrum[i].im = (float)(sample[FRONTEND_CHANNELS] * FRONTEND_WINDOW - sum) * SCALE;
    }
    fft_real(spectrum, HALF, frontend_cosine);
    spectrum[0].re = 0.0f;
    spectrum[0].im = 0.0f;
    int8_t *maps = features + channel * MAPS;
    column(hann_power, FRONTEND_LINE_STEPS, FRONTEND_LINE_ZERO, maps + FRONTEND_CARRIERS);
    column(shape_power, FRONTEND_LINE_STEPS, FRONTEND_LINE_ZERO, maps + FRONTEND_CARRIERS + 1);
    for (int carrier = 0; carrier < FRONTEND_CARRIERS; carrier++) {
      demodulate(carrier, maps + carrier);
    }
  }
}
