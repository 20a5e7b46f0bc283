// The table of blocks. The files' forms are GGUF's:
//   q8_0  d, 32 signed bytes                              q4_0  d, 16 bytes of nibbles
//   q4_1  d, min, 16 bytes of nibbles
//   q5_0  d, 32 fifth bits, 16 bytes of nibbles           q5_1  d, min, 32 fifth bits, 16 bytes of nibbles
//   q2_k  16 x (scale 4 bits, min 4), 64 bytes of 2 bits, d, dmin
//   q3_k  32 bytes of third bits, 64 bytes of 2 bits, 16 scales of 6 bits in 12 bytes, d
//   q4_k  d, dmin, 8 scales and 8 mins of 6 bits in 12 bytes, 128 bytes of nibbles
//   q5_k  d, dmin, the same 12 bytes, 32 bytes of fifth bits, 128 bytes of nibbles
//   q6_k  128 bytes of nibbles, 64 bytes of 2 high bits, 16 scales i8, d
//   q8a   32 signed bytes, f32 scale, i32 sum, i32 sum of the first 16 (ours; never in panels)
#include "ir/layout_block.h"

#include <string.h>

// A plane in rows and in panels: {base, shift, run, layers, stride}.
#define HALF(part, file, panel)                                                                                \
    {                                                                                                          \
        LIG_PART_##part, 0, 1, 16, 2, { {file, 0, 1, 1, 0}, {panel, 0, 1, 1, 0} }                              \
    }
#define WORDS(part, count, bits, ...)                                                                          \
    {                                                                                                          \
        LIG_PART_##part, 0, count, bits, 4, { __VA_ARGS__ }                                                    \
    }
#define BYTES(part, first, count, bits, ...)                                                                   \
    {                                                                                                          \
        LIG_PART_##part, first, count, bits, 1, { __VA_ARGS__ }                                                \
    }

// Six-bit scales and mins of q4_k and q5_k: the first four are the low 6 bits of a byte each, the others a nibble
// of the last four bytes below the 2 bits that the first four leave.
#define SIX_BIT_PLANES                                                                                         \
    HALF(D, 0, 0), HALF(DMIN, 2, 2), BYTES(SCALE, 0, 4, 4, {4, 0, 4, 1, 0}, {4, 0, 4, 1, 0}),                  \
        BYTES(SCALE, 4, 4, 4, {12, 0, 4, 1, 0}, {8, 0, 4, 1, 0}),                                              \
        BYTES(MIN, 0, 4, 4, {8, 0, 4, 1, 0}, {4, 4, 4, 1, 0}),                                                 \
        BYTES(MIN, 4, 4, 4, {12, 4, 4, 1, 0}, {8, 4, 4, 1, 0}),                                                \
        BYTES(SCALE_HIGH, 0, 8, 2, {4, 4, 4, 2, 0}, {12, 0, 1, 2, 0}),                                         \
        BYTES(MIN_HIGH, 0, 8, 2, {8, 4, 4, 2, 0}, {12, 4, 1, 2, 0})

static const LigBlockFacts table[] = {
    [LIG_Q8_0] = {.shared = 32,
                  .bits = 8,
                  .zero = 128,
                  .flip = 0x80,
                  .planes = {WORDS(LOW, 8, 8, {2, 0, 8, 1, 0}, {0, 0, 8, 1, 0}), HALF(D, 0, 32)},
                  .plane_count = 2},
    [LIG_Q4_0] = {.shared = 32,
                  .bits = 4,
                  .zero = 8,
                  .planes = {WORDS(LOW, 8, 4, {2, 0, 4, 2, 0}, {0, 0, 4, 2, 0}), HALF(D, 0, 16)},
                  .plane_count = 2},
    [LIG_Q4_1] = {.shared = 32,
                  .bits = 4,
                  .min_sign = 1,
                  .planes = {WORDS(LOW, 8, 4, {4, 0, 4, 2, 0}, {0, 0, 4, 2, 0}), HALF(D, 0, 16),
                             HALF(DMIN, 2, 18)},
                  .plane_count = 3},
    [LIG_Q8A] = {.shared = 32,
                 .bits = 8,
                 .zero = 128,
                 .flip = 0x80,
                 .planes = {WORDS(LOW, 8, 8, {0, 0, 8, 1, 0}), {LIG_PART_D, 0, 1, 32, 4, {{32, 0, 1, 1, 0}}}},
                 .plane_count = 2},
    [LIG_Q5_0] = {.shared = 32,
                  .bits = 5,
                  .zero = 16,
                  .planes = {WORDS(LOW, 8, 4, {6, 0, 4, 2, 0}, {2, 0, 1, 2, 0}),
                             WORDS(HIGH, 8, 1, {2, 0, 0, 1, 0}, {18, 0, 1, 8, 0}), HALF(D, 0, 0)},
                  .plane_count = 3},
    [LIG_Q5_1] = {.shared = 32,
                  .bits = 5,
                  .min_sign = 1,
                  .planes = {WORDS(LOW, 8, 4, {8, 0, 4, 2, 0}, {4, 0, 1, 2, 0}),
                             WORDS(HIGH, 8, 1, {4, 0, 0, 1, 0}, {20, 0, 1, 8, 0}), HALF(D, 0, 0),
                             HALF(DMIN, 2, 2)},
                  .plane_count = 4},
    [LIG_Q2_K] = {.shared = 16,
                  .bits = 2,
                  .min_sign = -1,
                  .planes = {WORDS(LOW, 64, 2, {16, 0, 8, 4, 0}, {20, 0, 1, 4, 16}), HALF(D, 80, 0),
                             HALF(DMIN, 82, 2), BYTES(SCALE, 0, 16, 4, {0, 0, 16, 1, 0}, {4, 0, 16, 1, 0}),
                             BYTES(MIN, 0, 16, 4, {0, 4, 16, 1, 0}, {4, 4, 16, 1, 0})},
                  .plane_count = 5},
    [LIG_Q3_K] = {.shared = 16,
                  .bits = 3,
                  .zero = 4,
                  .scale_zero = 32,
                  .planes = {WORDS(LOW, 64, 2, {32, 0, 8, 4, 0}, {14, 0, 1, 4, 24}),
                             WORDS(HIGH, 64, 1, {0, 0, 8, 8, 0}, {30, 0, 1, 8, 24}), HALF(D, 108, 0),
                             BYTES(SCALE, 0, 16, 4, {96, 0, 8, 2, 0}, {2, 0, 1, 2, 0}),
                             BYTES(SCALE_HIGH, 0, 16, 2, {104, 0, 4, 4, 0}, {10, 0, 1, 4, 0})},
                  .plane_count = 5},
    [LIG_Q4_K] = {.shared = 32,
                  .bits = 4,
                  .min_sign = -1,
                  .planes = {WORDS(LOW, 64, 4, {16, 0, 8, 2, 0}, {16, 0, 1, 2, 32}), SIX_BIT_PLANES},
                  .plane_count = 9},
    [LIG_Q5_K] = {.shared = 32,
                  .bits = 5,
                  .min_sign = -1,
                  .planes = {WORDS(LOW, 64, 4, {48, 0, 8, 2, 0}, {16, 0, 1, 2, 40}),
                             WORDS(HIGH, 64, 1, {16, 0, 8, 8, 0}, {48, 0, 1, 8, 40}), SIX_BIT_PLANES},
                  .plane_count = 10},
    [LIG_Q6_K] = {.shared = 16,
                  .bits = 6,
                  .zero = 32,
                  .scale_signed = true,
                  .planes = {WORDS(LOW, 64, 4, {0, 0, 16, 2, 0}, {18, 0, 1, 2, 48}),
                             WORDS(HIGH, 64, 2, {128, 0, 8, 4, 0}, {50, 0, 1, 4, 48}), HALF(D, 208, 0),
                             BYTES(SCALE, 0, 16, 8, {192, 0, 16, 1, 0}, {2, 0, 16, 1, 0})},
                  .plane_count = 4},
};

const LigBlockFacts *lig_block_facts(LigDtype dtype)
{
    LIG_ASSERT(lig_dtype_is_quantised(dtype));
    return &table[dtype];
}

static const LigPlane *find_plane(const LigBlockFacts *facts, LigPart part, int index)
{
    for (int i = 0; i < facts->plane_count; i++) {
        const LigPlane *plane = &facts->planes[i];
        if (plane->part == part && index >= plane->first && index < plane->first + plane->count) return plane;
    }
    return NULL;
}

bool lig_block_has(const LigBlockFacts *facts, LigPart part) { return find_plane(facts, part, 0) != NULL; }

const LigPlane *lig_block_plane(const LigBlockFacts *facts, LigPart part, int index)
{
    const LigPlane *plane = find_plane(facts, part, index);
    LIG_ASSERT(plane);
    return plane;
}

LigBlockPlace lig_block_place(const LigBlockFacts *facts, LigLayoutKind kind, LigPart part, int index)
{
    const LigPlane *plane = lig_block_plane(facts, part, index);
    const LigPlaneForm *form = &plane->forms[kind];
    LigBlockPlace place = {.byte = form->base, .bits = plane->bits, .piece = plane->piece};
    int i = index - plane->first;
    if (form->run == 0) {
        place.byte += i / 2;
        place.shift = i % 2 * 4;
        place.side_by_side = true;
        return place;
    }
    if (form->stride) {
        place.byte += i / LIG_BLOCK_UNIT_WORDS * form->stride;
        i %= LIG_BLOCK_UNIT_WORDS;
    }
    const int span = form->run * form->layers;
    place.byte += plane->piece * (i / span * form->run + i % form->run);
    place.shift = form->shift + plane->bits * (i / form->run % form->layers);
    return place;
}

// ---- reading ----

uint32_t lig_block_bits(const LigBlockRow *row, LigPart part, int index)
{
    const LigBlockPlace place = lig_block_place(row->facts, row->kind, part, index);
    const unsigned char *at =
        row->start + row->n * (size_t)place.byte + row->row * (size_t)(place.side_by_side ? 1 : place.piece);
    uint32_t bits = 0;
    if (place.side_by_side) return lig_block_spread((uint32_t)*at >> place.shift);
    memcpy(&bits, at, (size_t)place.piece);
    if (place.bits == 32) return bits;
    if (place.piece == LIG_BLOCK_WORD)
        return bits >> place.shift & (UINT32_C(0xff) >> (8 - place.bits)) * UINT32_C(0x01010101);
    return bits >> place.shift & ((UINT32_C(1) << place.bits) - 1);
}

// A low part with the part above it, if there is one.
static uint32_t whole_bits(const LigBlockRow *row, LigPart low, int index)
{
    const uint32_t bits = lig_block_bits(row, low, index);
    const LigPart high = (LigPart)(low + 1);
    if (!lig_block_has(row->facts, high)) return bits;
    return bits | lig_block_bits(row, high, index) << lig_block_plane(row->facts, low, index)->bits;
}

uint32_t lig_block_word(const LigBlockRow *row, int word)
{
    const int low_bits = row->facts->planes[0].bits;
    uint32_t stored = lig_block_bits(row, LIG_PART_LOW, word);
    if (low_bits < row->facts->bits) stored |= lig_block_bits(row, LIG_PART_HIGH, word) << low_bits;
    return row->kind == LIG_LAYOUT_ROWS ? stored ^ row->facts->flip * UINT32_C(0x01010101) : stored;
}

static double load_d(const LigBlockRow *row, LigPart part)
{
    const uint32_t bits = lig_block_bits(row, part, 0);
    float single;
    if (lig_block_plane(row->facts, part, 0)->bits == 16) return lig_f16_to_f64((uint16_t)bits);
    memcpy(&single, &bits, sizeof single);
    return (double)single;
}

// Without a min -0.0 is added, which changes nothing, not even the sign of a zero.
LigBlockScale lig_block_scale(const LigBlockRow *row, int column)
{
    const LigBlockFacts *facts = row->facts;
    const int index = column / facts->shared;
    LigBlockScale s = {.scale = load_d(row, LIG_PART_D), .min = -0.0, .zero = facts->zero};
    if (lig_block_has(facts, LIG_PART_SCALE)) {
        const uint32_t bits = whole_bits(row, LIG_PART_SCALE, index);
        s.scale *= facts->scale_signed ? (int8_t)bits : (int)bits - facts->scale_zero;
    }
    if (!facts->min_sign) return s;
    s.min = facts->min_sign * load_d(row, LIG_PART_DMIN);
    if (lig_block_has(facts, LIG_PART_MIN)) s.min *= whole_bits(row, LIG_PART_MIN, index);
    return s;
}
