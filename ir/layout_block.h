// The bits of block-quantised values: which numbers a block holds, and where they lie, as one table that the
// interpreter, the repacking of weights and generated code all read.
//
// A block holds for each column a value u of up to 8 bits, for each `shared` columns perhaps a small scale s and
// a small min m, and for all of them d and dmin. They mean (ir/type.h)
//     weight = (float)(d * s * (u - zero) + sign * dmin * m)
// Each kind of number is a plane. The lowest bits of the values are one plane, those above another. What lies
// together for a row is a piece: four columns of values (a word, a byte each), one byte of scales, or an f16.
//
// Panels hold the pieces of n rows side by side: a piece at byte b of a block of one row is, for row r of n, at
// n * b + r * (bytes of the piece) of their group. So a panel has as many bytes as the file's form.
#ifndef LIG_IR_LAYOUT_BLOCK_H
#define LIG_IR_LAYOUT_BLOCK_H

#include "ir/type.h"

typedef enum LigPart {
    LIG_PART_LOW, // of values; indexed by the word, like HIGH
    LIG_PART_HIGH,
    LIG_PART_SCALE, // the low bits of small scales; indexed by the run of `shared` columns, like the next three
    LIG_PART_SCALE_HIGH,
    LIG_PART_MIN,
    LIG_PART_MIN_HIGH,
    LIG_PART_D, // index 0, like DMIN
    LIG_PART_DMIN,
    LIG_PART_COUNT
} LigPart;

enum {
    LIG_BLOCK_WORD = 4,       // columns of a word
    LIG_BLOCK_UNIT = 64,      // columns whose values lie together in a panel
    LIG_BLOCK_UNIT_WORDS = 16 // words of them
};

// Element i of a plane: piece i / (run * layers) * run + i % run from `base` on, bit shift + bits * (i / run %
// layers) of each of its bytes. So `run` pieces follow one another before the next layer of bits.
typedef struct LigPlaneForm {
    uint8_t base, shift;
    uint8_t run;    // 0: a word's four values lie side by side in half a byte (q5_* in files)
    uint8_t layers; // numbers in a byte
    uint8_t stride; // bytes from one unit to the next; 0: units don't matter
} LigPlaneForm;

typedef struct LigPlane {
    LigPart part;
    uint8_t first, count;  // elements; a part may be told in two planes
    uint8_t bits, piece;   // of an element; bytes of a piece
    LigPlaneForm forms[2]; // indexed by LigLayoutKind
} LigPlane;

enum { LIG_MAX_PLANES = 10 };

typedef struct LigBlockFacts {
    int shared;                      // columns that share s and m
    int bits;                        // of a value
    int zero;                        // subtracted from the stored value
    int scale_zero;                  // and from s
    bool scale_signed;               // s is a signed byte
    int min_sign;                    // of dmin; 0: there is none
    unsigned flip;                   // the file stores u xor this (signed bytes)
    LigPlane planes[LIG_MAX_PLANES]; // LOW first
    int plane_count;
} LigBlockFacts;

// Of a block-quantised dtype.
const LigBlockFacts *lig_block_facts(LigDtype dtype);
bool lig_block_has(const LigBlockFacts *facts, LigPart part);
// The plane that holds an element; the part must have it.
const LigPlane *lig_block_plane(const LigBlockFacts *facts, LigPart part, int index);

// Where an element lies in a block of one row.
typedef struct LigBlockPlace {
    int byte, shift;
    int bits, piece;
    bool side_by_side; // LigPlaneForm.run is 0
} LigBlockPlace;
LigBlockPlace lig_block_place(const LigBlockFacts *facts, LigLayoutKind kind, LigPart part, int index);

// The low four bits to bit 0 of each of four bytes, and back.
static inline uint32_t lig_block_spread(uint32_t four)
{
    return (four & 15) * UINT32_C(0x00204081) & UINT32_C(0x01010101);
}
static inline unsigned lig_block_gather(uint32_t word) { return word * UINT32_C(0x01020408) >> 24 & 15; }

// One row of a block in memory.
typedef struct LigBlockRow {
    const LigBlockFacts *facts;
    LigLayoutKind kind;
    const unsigned char *start; // of the block, or of the group of n blocks
    size_t n, row;
} LigBlockRow;

// The stored bits of an element of one plane; of values those of a word's columns, a byte each, column 0 lowest.
uint32_t lig_block_bits(const LigBlockRow *row, LigPart part, int index);
// The values u of a word, high bits and all.
uint32_t lig_block_word(const LigBlockRow *row, int word);

// What columns share: value u gives (float)(scale * (u - zero) + min), exact before that rounding.
typedef struct LigBlockScale {
    double scale, min;
    int zero;
} LigBlockScale;
LigBlockScale lig_block_scale(const LigBlockRow *row, int column);
static inline double lig_block_value(const LigBlockScale *s, unsigned stored)
{
    return (double)(float)(s->scale * (double)((int)stored - s->zero) + s->min);
}

#endif
