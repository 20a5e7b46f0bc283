// Inside of layouts, shared by layout.c (single elements and rows) and repack.c (whole matrices).
#ifndef LIG_IR_LAYOUT_PARTS_H
#define LIG_IR_LAYOUT_PARTS_H

#include "ir/layout_block.h"

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
// The row of the block that holds quantised element `flat`.
LigBlockRow lig_shape__block(const LigShape *shape, const LigMatrix *m, const void *data, int64_t flat);

#endif
