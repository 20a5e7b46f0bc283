// q4_k and q6_k: blocks of 256 numbers in parts, whose scales (and minima) are small integers times one f16 of
// the block. The parts are fitted one by one, then the integers are tried one up and one down.
#include "frontend/quantise.h"

#include <math.h>
#include <string.h>

enum {
    PARTS_4 = 8, // of q4_k
    PART_4 = LIG_K_BLOCK / PARTS_4,
    PARTS_6 = 16, // of q6_k
    PART_6 = LIG_K_BLOCK / PARTS_6,
    MOST_SCALE_4 = 63, // of the 6 bits that scales and minima have
};

static bool put_f16(unsigned char *out, float value)
{
    uint16_t bits = lig_f64_to_f16((double)value);
    memcpy(out, &bits, sizeof bits);
    return isfinite(lig_f16_to_f64(bits)) != 0;
}

static float as_f16(float value) { return (float)lig_f16_to_f64(lig_f64_to_f16((double)value)); }

static int clamp(int value, int least, int most) { return value < least ? least : value > most ? most : value; }

// How much an error counts: more where the weight is big, but everywhere.
static void weigh(const float *x, int count, float *weights)
{
    float squares = 0;
    for (int i = 0; i < count; i++) squares += x[i] * x[i];
    float typical = sqrtf(squares / (float)count);
    for (int i = 0; i < count; i++) weights[i] = typical + fabsf(x[i]);
}

// ---- q4_k: x = scale * q - min, q in 0 to 15, scale and min not negative ----

typedef struct Fit {
    float scale, min;
    float error; // weighted
} Fit;

static int quantum_4(float x, float inverse, float min)
{
    return clamp((int)lrintf((x + min) * inverse), 0, 15);
}

static float error_4(const float *x, const float *w, float scale, float min)
{
    float error = 0, inverse = scale > 0 ? 1 / scale : 0;
    for (int i = 0; i < PART_4; i++) {
        float off = scale * (float)quantum_4(x[i], inverse, min) - min - x[i];
        error += w[i] * off * off;
    }
    return error;
}

// The scale and min that fit best when each number keeps the quantum it has under `start`; start itself where
// they can't be told.
static Fit refit_4(const float *x, const float *w, Fit start)
{
    float sw = 0, swq = 0, swqq = 0, swx = 0, swqx = 0, inverse = 1 / start.scale;
    for (int i = 0; i < PART_4; i++) {
        float q = (float)quantum_4(x[i], inverse, start.min);
        sw += w[i];
        swq += w[i] * q;
        swqq += w[i] * q * q;
        swx += w[i] * x[i];
        swqx += w[i] * q * x[i];
    }
    float determinant = sw * swqq - swq * swq;
    if (!(determinant > 0)) return start;
    Fit fit = {.scale = (sw * swqx - swq * swx) / determinant, .min = -(swqq * swx - swq * swqx) / determinant};
    if (fit.min < 0 && swqq > 0) fit = (Fit){.scale = swqx / swqq};
    return fit.scale > 0 && isfinite(fit.scale) && isfinite(fit.min) ? fit : start;
}

// Ranges a little narrower and wider than that of the numbers, each then refitted.
static Fit fit_4(const float *x, const float *w)
{
    enum { TRIES = 12 };
    float least = 0, most = x[0];
    for (int i = 0; i < PART_4; i++) {
        least = fminf(least, x[i]);
        most = fmaxf(most, x[i]);
    }
    Fit best = {.min = -least};
    best.error = error_4(x, w, 0, best.min);
    if (!(most > least)) return best;
    for (int i = 0; i < TRIES; i++) {
        float levels = 14 + 0.25f * (float)i;
        Fit fit = {.scale = (most - least) / levels, .min = -least};
        if (!(fit.scale > 0) || !isfinite(1 / fit.scale)) continue;
        fit = refit_4(x, w, fit);
        fit.error = error_4(x, w, fit.scale, fit.min);
        if (fit.error < best.error) best = fit;
    }
    return best;
}

typedef struct Integers {
    int scale, min;
} Integers;

// The integers around those of the fit with the least error.
static Integers settle_4(const float *x, const float *w, const Fit *fit, float d, float dmin)
{
    int scale = d > 0 ? (int)lrintf(fit->scale / d) : 0, min = dmin > 0 ? (int)lrintf(fit->min / dmin) : 0;
    Integers best = {clamp(scale, 0, MOST_SCALE_4), clamp(min, 0, MOST_SCALE_4)};
    float least = INFINITY;
    for (int s = scale - 1; s <= scale + 1; s++) {
        for (int m = min - 1; m <= min + 1; m++) {
            if (s < 0 || s > MOST_SCALE_4 || m < 0 || m > MOST_SCALE_4) continue;
            float error = error_4(x, w, d * (float)s, dmin * (float)m);
            if (!(error < least)) continue;
            least = error;
            best = (Integers){s, m};
        }
    }
    return best;
}

// 8 scales and 8 minima of 6 bits in 12 bytes: the first four of each whole, the upper bits of the last four
// above them.
static void pack_4(const Integers *parts, unsigned char *out)
{
    for (int j = 0; j < 4; j++) {
        const Integers *low = &parts[j], *high = &parts[j + 4];
        out[j] = (unsigned char)(low->scale | (high->scale >> 4) << 6);
        out[j + 4] = (unsigned char)(low->min | (high->min >> 4) << 6);
        out[j + 8] = (unsigned char)((high->scale & 15) | (high->min & 15) << 4);
    }
}

// f16 scale, f16 min, 12 bytes of scales, then of each two parts the first in low nibbles, the second in high.
bool lig_quantise_q4_k(const float *x, unsigned char *out)
{
    enum { QUANTA = 16 };
    float weights[LIG_K_BLOCK], most_scale = 0, most_min = 0;
    Fit fits[PARTS_4];
    Integers integers[PARTS_4];
    for (int j = 0; j < PARTS_4; j++) {
        weigh(x + j * PART_4, PART_4, weights + j * PART_4);
        fits[j] = fit_4(x + j * PART_4, weights + j * PART_4);
        most_scale = fmaxf(most_scale, fits[j].scale);
        most_min = fmaxf(most_min, fits[j].min);
    }
    bool holds =
        put_f16(out, most_scale / (float)MOST_SCALE_4) && put_f16(out + 2, most_min / (float)MOST_SCALE_4);
    if (!holds) return false;
    float d = as_f16(most_scale / (float)MOST_SCALE_4), dmin = as_f16(most_min / (float)MOST_SCALE_4);
    memset(out + QUANTA, 0, LIG_K_BLOCK / 2);
    for (int j = 0; j < PARTS_4; j++) {
        const float *part = x + j * PART_4;
        integers[j] = settle_4(part, weights + j * PART_4, &fits[j], d, dmin);
        float scale = d * (float)integers[j].scale, min = dmin * (float)integers[j].min;
        float inverse = scale > 0 ? 1 / scale : 0;
        unsigned char *to = out + QUANTA + j / 2 * PART_4;
        for (int i = 0; i < PART_4; i++)
            to[i] |= (unsigned char)(quantum_4(part[i], inverse, min) << (j % 2 ? 4 : 0));
    }
    pack_4(integers, out + 4);
    return true;
}

// ---- q6_k: x = scale * q, q in -32 to 31 ----

static int quantum_6(float x, float inverse) { return clamp((int)lrintf(x * inverse), -32, 31); }

static float error_6(const float *x, const float *w, float scale)
{
    float error = 0, inverse = scale != 0 ? 1 / scale : 0;
    for (int i = 0; i < PART_6; i++) {
        float off = scale * (float)quantum_6(x[i], inverse) - x[i];
        error += w[i] * off * off;
    }
    return error;
}

// The scale, of either sign: the number largest in magnitude is best near -32.
static float fit_6(const float *x, const float *w)
{
    enum { TRIES = 17 };
    float largest = 0, best = 0, least = error_6(x, w, 0);
    for (int i = 0; i < PART_6; i++) largest = fabsf(x[i]) > fabsf(largest) ? x[i] : largest;
    for (int i = 0; i < TRIES; i++) {
        float inverse = -(30 + 0.25f * (float)i) / largest, swqx = 0, swqq = 0;
        if (!isfinite(inverse)) break;
        for (int k = 0; k < PART_6; k++) {
            float q = (float)quantum_6(x[k], inverse);
            swqx += w[k] * q * x[k];
            swqq += w[k] * q * q;
        }
        float scale = swqq > 0 ? swqx / swqq : 0, error;
        if (scale == 0 || !isfinite(1 / scale)) continue;
        error = error_6(x, w, scale);
        if (!(error < least)) continue;
        least = error;
        best = scale;
    }
    return best;
}

static int settle_6(const float *x, const float *w, float scale, float d)
{
    int nearest = d != 0 ? clamp((int)lrintf(scale / d), -128, 127) : 0, best = nearest;
    float least = INFINITY;
    for (int s = nearest - 1; s <= nearest + 1; s++) {
        if (s < -128 || s > 127) continue;
        float error = error_6(x, w, d * (float)s);
        if (!(error < least)) continue;
        least = error;
        best = s;
    }
    return best;
}

// Of each 128 numbers: byte l of 64 has the low 4 bits of numbers l and l + 64; byte l of 32 the upper 2 bits of
// numbers l, l + 32, l + 64 and l + 96.
static void pack_6(const unsigned char *q, unsigned char *low, unsigned char *high)
{
    for (int half = 0; half < 2; half++, q += 128, low += 64, high += 32) {
        for (int l = 0; l < 64; l++) low[l] = (unsigned char)((q[l] & 15) | (q[l + 64] & 15) << 4);
        for (int l = 0; l < 32; l++) {
            high[l] =
                (unsigned char)(q[l] >> 4 | q[l + 32] >> 4 << 2 | q[l + 64] >> 4 << 4 | q[l + 96] >> 4 << 6);
        }
    }
}

// 128 bytes of low bits, 64 of high bits, 16 scales of i8, f16 scale.
bool lig_quantise_q6_k(const float *x, unsigned char *out)
{
    enum { HIGH = 128, SCALES = 192, SCALE = 208 };
    float weights[LIG_K_BLOCK], scales[PARTS_6], largest = 0;
    unsigned char q[LIG_K_BLOCK];
    for (int j = 0; j < PARTS_6; j++) {
        weigh(x + j * PART_6, PART_6, weights + j * PART_6);
        scales[j] = fit_6(x + j * PART_6, weights + j * PART_6);
        largest = fabsf(scales[j]) > fabsf(largest) ? scales[j] : largest;
    }
    if (!put_f16(out + SCALE, largest / -128)) return false;
    float d = as_f16(largest / -128);
    for (int j = 0; j < PARTS_6; j++) {
        const float *part = x + j * PART_6;
        int integer = settle_6(part, weights + j * PART_6, scales[j], d);
        float scale = d * (float)integer, inverse = scale != 0 ? 1 / scale : 0;
        out[SCALES + j] = (unsigned char)(int8_t)integer;
        for (int i = 0; i < PART_6; i++) q[j * PART_6 + i] = (unsigned char)(quantum_6(part[i], inverse) + 32);
    }
    pack_6(q, out, out + HIGH);
    return true;
}
