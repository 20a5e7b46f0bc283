// From one layout to another, bit for bit. The paths from rows to panels, walked when a model is loaded, move
// pieces of all rows at once; all others go element by element, block by block if quantised.
#include "ir/layout_parts.h"

#include <string.h>

static inline void copy_pieces(const LigPanelRun *run, const LigMatrix *m, size_t piece)
{
    const size_t groups = (size_t)(m->columns / m->k);
    for (size_t g = 0; g < groups; g++) {
        unsigned char *target = run->panel + g * m->group_bytes + (size_t)run->first * piece;
        const unsigned char *source = run->source + g * piece;
        for (int64_t r = 0; r < run->count; r++, target += piece, source += run->source_row_bytes)
            memcpy(target, source, piece);
    }
}

// The calls with a constant let the compiler make each copy one move.
static void pack_plain(const LigPanelRun *run, const LigMatrix *m)
{
    const size_t piece = (size_t)m->k * m->block_bytes;
    switch (piece) {
    case 1:
        copy_pieces(run, m, 1);
        return;
    case 2:
        copy_pieces(run, m, 2);
        return;
    case 4:
        copy_pieces(run, m, 4);
        return;
    case 8:
        copy_pieces(run, m, 8);
        return;
    case 16:
        copy_pieces(run, m, 16);
        return;
    default:
        copy_pieces(run, m, piece);
        return;
    }
}

// Zeroes the rows from `used` to n of a panel.
static void zero_padding(unsigned char *panel, const LigMatrix *m, int64_t used)
{
    const size_t row_bytes = (size_t)m->k * m->block_bytes;
    for (unsigned char *group = panel; group < panel + m->panel_bytes; group += m->group_bytes)
        memset(group + (size_t)used * row_bytes, 0, (size_t)(m->n - used) * row_bytes);
}

static void copy_at(const LigShape *from, const unsigned char *source, const LigShape *to,
                    unsigned char *target, int64_t flat)
{
    if (!lig_dtype_is_quantised(to->dtype)) {
        const size_t bytes = (size_t)lig_dtype_block_bytes(to->dtype);
        memcpy(target + lig_shape_byte(to, flat), source + lig_shape_byte(from, flat), bytes);
        return;
    }
    const LigMatrix a = lig_shape__matrix(from), b = lig_shape__matrix(to);
    const LigBlockRow x = lig_shape__block(from, &a, source, flat), y = lig_shape__block(to, &b, target, flat);
    lig_block_copy(&x, &y);
}

static void copy_rows(const LigShape *from, const unsigned char *source, const LigShape *to,
                      unsigned char *target, int64_t row, int64_t count)
{
    const LigMatrix m = lig_shape__matrix(to);
    if (from->layout.kind == LIG_LAYOUT_ROWS && to->layout.kind == LIG_LAYOUT_ROWS) {
        const size_t row_bytes = (size_t)(m.columns / m.block) * m.block_bytes;
        memcpy(target + (size_t)row * row_bytes, source + (size_t)row * row_bytes, (size_t)count * row_bytes);
        return;
    }
    for (int64_t flat = row * m.columns; flat < (row + count) * m.columns; flat += m.block)
        copy_at(from, source, to, target, flat);
}

void lig_shape_repack(const LigShape *from, const void *source, const LigShape *to, void *target,
                      int64_t first_row, int64_t row_count)
{
    const LigMatrix m = lig_shape__matrix(to);
    if (m.columns == 0 || row_count == 0) return;
    if (to->layout.kind == LIG_LAYOUT_ROWS) {
        copy_rows(from, source, to, target, first_row, row_count);
        return;
    }
    LigBlockMoves moves;
    if (m.block > 1) lig_block_plan_moves(to->dtype, &moves);
    const size_t row_bytes = (size_t)(m.columns / m.block) * m.block_bytes;
    const int64_t end = first_row + row_count;
    for (int64_t row = first_row, count; row < end; row += count) {
        const int64_t batch = row / m.rows, r = row % m.rows, first = r % m.n;
        count = m.n - first < m.rows - r ? m.n - first : m.rows - r;
        if (count > end - row) count = end - row;
        unsigned char *panel = (unsigned char *)target + (size_t)(batch * m.panels + r / m.n) * m.panel_bytes;
        const LigPanelRun run = {(const unsigned char *)source + (size_t)row * row_bytes, panel, row_bytes,
                                 first, count};
        if (from->layout.kind == LIG_LAYOUT_ROWS && m.block > 1)
            lig_block_pack(&run, &m, &moves);
        else if (from->layout.kind == LIG_LAYOUT_ROWS)
            pack_plain(&run, &m);
        else
            copy_rows(from, source, to, target, row, count);
        if (r + count < m.rows || first + count == m.n) continue;
        if (m.block > 1)
            lig_block_zero_padding(panel, &m, &moves, first + count);
        else
            zero_padding(panel, &m, first + count);
    }
}
