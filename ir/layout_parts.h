// Inside of layouts, shared by layout.c (single elements and rows), repack.c and repack_block.c
// (whole matrices).
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

// A run of rows inside one panel, all of them in the range asked for.
typedef struct LigPanelRun {
    const unsigned char *source; // the first row
    unsigned char *panel;
    size_t source_row_bytes;
    int64_t first, count; // rows of the panel
} LigPanelRun;

// ---- quantised blocks (repack_block.c) ----

// What a piece of a panel takes from the file's block: masked bits of pieces, rotated right, or, of values that lie
// side by side in a byte, shifted right, spread and shifted left. Bytes are those of a block of one row.
typedef struct LigBlockSource {
    uint32_t mask;
    uint8_t byte, right, left;
} LigBlockSource;

enum { LIG_BLOCK_MOST_SOURCES = 8, LIG_BLOCK_MOST_MOVES = 96 };

typedef struct LigBlockMove {
    uint8_t target, bytes; // of the piece
    bool side_by_side;
    int count;
    uint32_t flip; // xor of the result
    LigBlockSource sources[LIG_BLOCK_MOST_SOURCES];
} LigBlockMove;

typedef struct LigBlockMoves {
    int count;
    LigBlockMove list[LIG_BLOCK_MOST_MOVES];
} LigBlockMoves;
void lig_block_plan_moves(LigDtype dtype, LigBlockMoves *moves);
void lig_block_pack(const LigPanelRun *run, const LigMatrix *m, const LigBlockMoves *moves);
// Zeroes the rows from `used` to n of a panel.
void lig_block_zero_padding(unsigned char *panel, const LigMatrix *m, const LigBlockMoves *moves, int64_t used);
// All bits of one row of a block, between any two layouts.
void lig_block_copy(const LigBlockRow *from, const LigBlockRow *to);

#endif
