// Inside of layouts, shared by layout.c (single elements), repack.c (whole matrices) and layout_block.c
// (blocks that lie in rows only).
#ifndef LIG_IR_LAYOUT_PARTS_H
#define LIG_IR_LAYOUT_PARTS_H

#include "ir/type.h"

// A shape seen as a batch of matrices. Row-major is a panel of one row whose groups are one block each.
typedef struct LigMatrix {
    int64_t rows, columns;
    int64_t n, k;       // rows of a panel, columns of a group
    int64_t panels;     // of one matrix
    int64_t block;      // elements of a block, 1 when plain
    size_t block_bytes; // or of an element
    size_t group_bytes; // n x k elements with their scales
    size_t panel_bytes; // all groups of a panel
} LigMatrix;
LigMatrix lig_shape__matrix(const LigShape *shape);

bool lig_dtype__is_nibbles(LigDtype dtype);
// Bytes of the values in one quantised block.
size_t lig_dtype__value_bytes(LigDtype dtype);

// What some columns of a block share: value q gives (float)(scale * q + min).
typedef struct LigBlockScale {
    double scale, min;
    int zero; // subtracted from the stored value
} LigBlockScale;

// Dtypes whose blocks layout_block.c reads: q5_* and q*_k. Columns c of a block, from 0; 16 columns from a
// multiple of 16 on share a scale.
bool lig_block__reads(LigDtype dtype);
LigBlockScale lig_block__scale(LigDtype dtype, const unsigned char *block, int c);
int lig_block__quantum(LigDtype dtype, const unsigned char *block, int c);

#endif
