#include "ir/dtype.h"

#include <math.h>
#include <string.h>

typedef struct DtypeFacts {
    const char *name;
    LigDtypeClass class;
    int64_t block, bytes;
} DtypeFacts;

static const DtypeFacts facts[LIG_DTYPE_COUNT] = {
#define LIG_DTYPE(ID, name, class, block, bytes) {#name, LIG_CLASS_##class, block, bytes},
#include "ir/dtype.def"
#undef LIG_DTYPE
};

const char *lig_dtype_name(LigDtype dtype) { return facts[dtype].name; }
LigDtypeClass lig_dtype_class(LigDtype dtype) { return facts[dtype].class; }
int64_t lig_dtype_block(LigDtype dtype) { return facts[dtype].block; }
int64_t lig_dtype_block_bytes(LigDtype dtype) { return facts[dtype].bytes; }

bool lig_dtype_has_panel(LigDtype dtype) { return dtype != LIG_Q8A; }

bool lig_dtype_find(LigStr name, LigDtype *out)
{
    for (int i = 0; i < LIG_DTYPE_COUNT; i++) {
        if (!lig_str_is(name, facts[i].name)) continue;
        *out = (LigDtype)i;
        return true;
    }
    return false;
}

// A binary format of 16 bits: sign, exponent, mantissa.
typedef struct HalfFormat {
    int exponent_bits, mantissa_bits;
} HalfFormat;

static const HalfFormat f16_format = {5, 10}, bf16_format = {8, 7};

// Significand (with its hidden bit) shifted right by `drop` bits, rounded to nearest even.
static uint64_t shift_rounded(uint64_t significand, int drop)
{
    if (drop > 54) return 0; // below half of the smallest denormal
    uint64_t kept = significand >> drop;
    uint64_t rest = significand & ((UINT64_C(1) << drop) - 1);
    uint64_t half = UINT64_C(1) << (drop - 1);
    return kept + (rest > half || (rest == half && (kept & 1)));
}

static uint16_t narrow(double value, HalfFormat format)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const int bias = (1 << (format.exponent_bits - 1)) - 1;
    const uint64_t infinity = ((UINT64_C(1) << format.exponent_bits) - 1) << format.mantissa_bits;
    const uint64_t sign = bits >> 63 << 15;
    const int exponent = (int)(bits >> 52 & 0x7ff) - 1023;
    const uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);
    const int drop = 52 - format.mantissa_bits;
    if (exponent == 1024 && mantissa != 0) // NaN: keep the top of its payload, made quiet
        return (uint16_t)(sign | infinity | UINT64_C(1) << (format.mantissa_bits - 1) | mantissa >> drop);
    if (exponent > bias) return (uint16_t)(sign | infinity);
    if (exponent == -1023) return (uint16_t)sign; // zero, or a double denormal: far too small
    // The hidden bit of `kept` carries into the exponent; denormals have exponent field 1 without that bit.
    const int field = exponent + bias < 1 ? 1 : exponent + bias;
    uint64_t kept = shift_rounded(mantissa | UINT64_C(1) << 52, drop + field - (exponent + bias));
    return (uint16_t)(sign | (((uint64_t)(field - 1) << format.mantissa_bits) + kept));
}

double lig_f16_to_f64(uint16_t bits)
{
    const int exponent = bits >> 10 & 0x1f;
    const int mantissa = bits & 0x3ff;
    double magnitude;
    if (exponent == 0x1f) {
        magnitude = mantissa != 0 ? (double)NAN : (double)INFINITY;
    } else if (exponent == 0) {
        magnitude = ldexp(mantissa, -24);
    } else {
        uint64_t wide = (uint64_t)(exponent - 15 + 1023) << 52 | (uint64_t)mantissa << 42;
        memcpy(&magnitude, &wide, sizeof wide);
    }
    return bits & 0x8000 ? -magnitude : magnitude;
}

double lig_bf16_to_f64(uint16_t bits)
{
    uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return (double)value;
}

uint16_t lig_f64_to_f16(double value) { return narrow(value, f16_format); }
uint16_t lig_f64_to_bf16(double value) { return narrow(value, bf16_format); }
