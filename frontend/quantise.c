#include "frontend/quantise.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 32 };

// Appends `value` as f16 at `out`; false when it is too large for one.
static bool put_f16(unsigned char *out, float value)
{
    uint16_t bits = lig_f64_to_f16((double)value);
    memcpy(out, &bits, sizeof bits);
    return isfinite(lig_f16_to_f64(bits)) != 0;
}

static bool all_finite(const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(x[i])) return false;
    }
    return true;
}

static float inverse(float d) { return d != 0 ? 1 / d : 0; }

// f16 scale, 32 x i8. Halves are rounded away from zero.
static bool put_q8_0(const float *x, unsigned char *out)
{
    float largest = 0;
    for (int i = 0; i < BLOCK; i++) largest = fmaxf(largest, fabsf(x[i]));
    float d = largest / 127, id = inverse(d);
    // The inverse of a scale near the smallest numbers is infinite.
    if (!isfinite(id)) d = id = 0;
    for (int i = 0; i < BLOCK; i++) out[2 + i] = (unsigned char)(int8_t)roundf(x[i] * id);
    return put_f16(out, d);
}

static int nibble(float value)
{
    int q = (int)value;
    return q < 0 ? 0 : q > 15 ? 15 : q;
}

// Value i of a block is in the low nibble of byte i, value i + 16 in the high one.
static void put_nibbles(const int *q, unsigned char *out)
{
    for (int i = 0; i < BLOCK / 2; i++) out[i] = (unsigned char)(q[i] | q[i + BLOCK / 2] << 4);
}

// f16 scale, 32 x 4 bits, which stand for -8 to 7: the number largest in magnitude is -8.
static bool put_q4_0(const float *x, unsigned char *out)
{
    float largest = 0;
    for (int i = 0; i < BLOCK; i++) largest = fabsf(x[i]) > fabsf(largest) ? x[i] : largest;
    float d = largest / -8, id = inverse(d);
    if (!isfinite(id)) d = id = 0;
    int q[BLOCK];
    for (int i = 0; i < BLOCK; i++) q[i] = nibble(x[i] * id + 8.5f);
    put_nibbles(q, out + 2);
    return put_f16(out, d);
}

// f16 scale, 32 upper bits, 32 x 4 bits, which stand for -16 to 15.
static bool put_q5_0(const float *x, unsigned char *out)
{
    float largest = 0;
    for (int i = 0; i < BLOCK; i++) largest = fabsf(x[i]) > fabsf(largest) ? x[i] : largest;
    float d = largest / -16, id = inverse(d);
    if (!isfinite(id)) d = id = 0;
    int q[BLOCK];
    uint32_t upper = 0;
    for (int i = 0; i < BLOCK; i++) {
        int quantum = (int)(x[i] * id + 16.5f);
        quantum = quantum > 31 ? 31 : quantum;
        upper |= (uint32_t)(quantum >> 4) << i;
        q[i] = quantum & 15;
    }
    memcpy(out + 2, &upper, sizeof upper);
    put_nibbles(q, out + 6);
    return put_f16(out, d);
}

// f16 scale, f16 min, 32 x 4 bits.
static bool put_q4_1(const float *x, unsigned char *out)
{
    float least = x[0], most = x[0];
    for (int i = 1; i < BLOCK; i++) {
        least = fminf(least, x[i]);
        most = fmaxf(most, x[i]);
    }
    float d = (most - least) / 15, id = inverse(d);
    if (!isfinite(d)) return false;
    if (!isfinite(id)) d = id = 0;
    int q[BLOCK];
    for (int i = 0; i < BLOCK; i++) q[i] = nibble((x[i] - least) * id + 0.5f);
    put_nibbles(q, out + 4);
    return put_f16(out, d) && put_f16(out + 2, least);
}

static bool put_f16_row(const float *x, size_t count, unsigned char *out)
{
    bool holds = true;
    for (size_t i = 0; i < count; i++) holds = (put_f16(out + 2 * i, x[i]) || !isfinite(x[i])) && holds;
    return holds;
}

static bool put_bf16_row(const float *x, size_t count, unsigned char *out)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t bits = lig_f64_to_bf16((double)x[i]);
        memcpy(out + 2 * i, &bits, sizeof bits);
    }
    return true;
}

typedef bool PutBlock(const float *x, unsigned char *out);

static PutBlock *block_writer(LigDtype dtype)
{
    switch ((int)dtype) {
    case LIG_Q8_0:
        return put_q8_0;
    case LIG_Q4_0:
        return put_q4_0;
    case LIG_Q4_1:
        return put_q4_1;
    case LIG_Q5_0:
        return put_q5_0;
    case LIG_Q4_K:
        return lig_quantise_q4_k;
    case LIG_Q6_K:
        return lig_quantise_q6_k;
    default:
        return NULL;
    }
}

bool lig_quantise_supports(LigDtype dtype)
{
    return dtype == LIG_F32 || dtype == LIG_F16 || dtype == LIG_BF16 || block_writer(dtype);
}

bool lig_quantise_row(LigDtype dtype, const float *x, size_t count, void *out)
{
    if (dtype == LIG_F16) return put_f16_row(x, count, out);
    if (dtype == LIG_BF16) return put_bf16_row(x, count, out);
    if (dtype == LIG_F32) {
        memcpy(out, x, count * sizeof *x);
        return true;
    }
    PutBlock *put = block_writer(dtype);
    LIG_ASSERT(put);
    if (!all_finite(x, count)) return false;
    size_t block = (size_t)lig_dtype_block(dtype), bytes = (size_t)lig_dtype_block_bytes(dtype);
    unsigned char *to = out;
    for (size_t i = 0; i < count; i += block, to += bytes) {
        if (!put(x + i, to)) return false;
    }
    return true;
}
