// Blocks that lie in rows only: q5_0, q5_1 and the "k" dtypes, in which a block of 256 columns has an f16 scale
// and groups of 16 or 32 columns a small integer that multiplies it. The bytes are GGUF's:
//   q5_0  d, 32 fifth bits, 16 bytes of nibbles           q5_1  d, min, 32 fifth bits, 16 bytes of nibbles
//   q2_k  16 x (scale 4 bits, min 4), 64 bytes of 2 bits, d, dmin
//   q3_k  32 bytes of third bits, 64 bytes of 2 bits, 16 scales of 6 bits in 12 bytes, d
//   q4_k  d, dmin, 8 scales and 8 mins of 6 bits in 12 bytes, 128 bytes of nibbles
//   q5_k  d, dmin, the same 12 bytes, 32 bytes of fifth bits, 128 bytes of nibbles
//   q6_k  128 bytes of nibbles, 64 bytes of 2 high bits, 16 scales i8, d
#include "ir/layout_parts.h"

#include <string.h>

bool lig_block__reads(LigDtype dtype)
{
    return lig_dtype_is_quantised(dtype) && !lig_dtype_has_panel(dtype) && dtype != LIG_Q8A;
}

static double load_half(const unsigned char *at)
{
    uint16_t bits;
    memcpy(&bits, at, sizeof bits);
    return lig_f16_to_f64(bits);
}

// ---- scales ----

// A sum with -0.0 changes nothing, not even the sign of a zero.
static LigBlockScale without_min(double scale, int zero)
{
    return (LigBlockScale){.scale = scale, .min = -0.0, .zero = zero};
}

// Scale i of q3_k: low halves in 8 bytes, those of 8 to 15 in their high nibbles; two high bits each in 4 more.
static int scale_of_q3_k(const unsigned char *scales, int i)
{
    const int low = scales[i % 8] >> (i / 8 * 4) & 15;
    const int high = scales[8 + i % 4] >> (i / 4 * 2) & 3;
    return (low | high << 4) - 32;
}

// Scale (which = 0) or min (which = 1) i of q4_k and q5_k: the first four are the low 6 bits of a byte, the
// others a nibble of the last four bytes below the 2 bits that the first four leave.
static int scale_of_32(const unsigned char *scales, int which, int i)
{
    if (i < 4) return scales[4 * which + i] & 63;
    const int low = scales[8 + i - 4] >> (4 * which) & 15;
    return low | scales[4 * which + i - 4] >> 6 << 4;
}

LigBlockScale lig_block__scale(LigDtype dtype, const unsigned char *block, int c)
{
    const unsigned char *scales;
    switch ((int)dtype) {
    case LIG_Q5_0:
        return without_min(load_half(block), 16);
    case LIG_Q5_1:
        return (LigBlockScale){.scale = load_half(block), .min = load_half(block + 2)};
    case LIG_Q2_K:
        return (LigBlockScale){.scale = load_half(block + 80) * (block[c / 16] & 15),
                               .min = -(load_half(block + 82) * (block[c / 16] >> 4))};
    case LIG_Q3_K:
        return without_min(load_half(block + 108) * scale_of_q3_k(block + 96, c / 16), 0);
    case LIG_Q6_K:
        return without_min(load_half(block + 208) * (int8_t)block[192 + c / 16], 32);
    default: // q4_k, q5_k
        scales = block + 4;
        return (LigBlockScale){.scale = load_half(block) * scale_of_32(scales, 0, c / 32),
                               .min = -(load_half(block + 2) * scale_of_32(scales, 1, c / 32))};
    }
}

// ---- values ----

// Nibble c of q4_k and q5_k: 32 bytes hold 32 columns low, the next 32 high.
static int nibble_of_64(const unsigned char *nibbles, int c)
{
    return nibbles[c / 64 * 32 + c % 32] >> (c % 64 / 32 * 4) & 15;
}

// Two bits of column c: 32 bytes hold 4 x 32 columns.
static int pair_of_128(const unsigned char *pairs, int c)
{
    return pairs[c / 128 * 32 + c % 32] >> (c % 128 / 32 * 2) & 3;
}

// One bit of column c: 32 bytes hold 8 x 32 columns.
static int bit_of_256(const unsigned char *bits, int c) { return bits[c % 32] >> (c / 32) & 1; }

// q5_0 and q5_1, from the fifth bits on.
static int five_bits(const unsigned char *at, int c)
{
    const int low = at[4 + c % 16] >> (c / 16 * 4) & 15;
    return low | (at[c / 8] >> c % 8 & 1) << 4;
}

static int quantum_of_q6_k(const unsigned char *block, int c)
{
    const int low = block[c / 128 * 64 + c % 64] >> (c % 128 / 64 * 4) & 15;
    return low | pair_of_128(block + 128, c) << 4;
}

int lig_block__quantum(LigDtype dtype, const unsigned char *block, int c)
{
    switch ((int)dtype) {
    case LIG_Q5_0:
        return five_bits(block + 2, c);
    case LIG_Q5_1:
        return five_bits(block + 4, c);
    case LIG_Q2_K:
        return pair_of_128(block + 16, c);
    case LIG_Q3_K: // the third bit set: no 4 is taken away
        return pair_of_128(block + 32, c) - 4 + (bit_of_256(block, c) << 2);
    case LIG_Q4_K:
        return nibble_of_64(block + 16, c);
    case LIG_Q5_K:
        return nibble_of_64(block + 48, c) | bit_of_256(block + 16, c) << 4;
    default:
        return quantum_of_q6_k(block, c);
    }
}
