// From one layout to another, bit for bit. The paths from rows to panels, walked when a model is loaded, move
// pieces of four bytes or more; all others go element by element.
#include "ir/layout_parts.h"

#include <string.h>

// A run of rows inside one panel, all of them in the range asked for.
typedef struct PanelRun {
    const unsigned char *source; // the first row
    unsigned char *panel;
    size_t source_row_bytes;
    int64_t first, count; // rows of the panel
} PanelRun;

static inline void copy_pieces(const PanelRun *run, const LigMatrix *m, size_t piece)
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
static void pack_plain(const PanelRun *run, const LigMatrix *m)
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

// One block of a file to row r of a group: `pieces` pieces of four value bytes, then the scale, then the min.
static inline void pack_block(const unsigned char *block, unsigned char *group, size_t r, size_t n,
                              LigDtype dtype)
{
    const size_t pieces = dtype == LIG_Q8_0 ? 8 : 4, header = dtype == LIG_Q4_1 ? 4 : 2;
    const uint32_t flip = dtype == LIG_Q8_0 ? UINT32_C(0x80808080) : 0; // q + 128
    for (size_t i = 0; i < pieces; i++) {
        uint32_t piece;
        memcpy(&piece, block + header + 4 * i, sizeof piece);
        piece ^= flip;
        memcpy(group + i * 4 * n + 4 * r, &piece, sizeof piece);
    }
    unsigned char *scales = group + pieces * 4 * n;
    memcpy(scales + 2 * r, block, 2);
    if (dtype == LIG_Q4_1) memcpy(scales + 2 * n + 2 * r, block + 2, 2);
}

static inline void pack_blocks(const PanelRun *run, const LigMatrix *m, LigDtype dtype)
{
    const size_t groups = (size_t)(m->columns / m->k);
    for (size_t g = 0; g < groups; g++) {
        const unsigned char *source = run->source + g * m->block_bytes;
        for (int64_t r = 0; r < run->count; r++, source += run->source_row_bytes)
            pack_block(source, run->panel + g * m->group_bytes, (size_t)(run->first + r), (size_t)m->n, dtype);
    }
}

static void pack_run(const PanelRun *run, const LigMatrix *m, LigDtype dtype)
{
    switch ((int)dtype) {
    case LIG_Q8_0:
        pack_blocks(run, m, LIG_Q8_0);
        return;
    case LIG_Q4_0:
        pack_blocks(run, m, LIG_Q4_0);
        return;
    case LIG_Q4_1:
        pack_blocks(run, m, LIG_Q4_1);
        return;
    default:
        pack_plain(run, m);
        return;
    }
}

// Zeroes the rows from `used` to n of a panel.
static void zero_padding(unsigned char *panel, const LigMatrix *m, LigDtype dtype, int64_t used)
{
    const size_t groups = (size_t)(m->columns / m->k), n = (size_t)m->n, pad = n - (size_t)used;
    for (size_t g = 0; g < groups; g++) {
        unsigned char *group = panel + g * m->group_bytes;
        if (m->block == 1) {
            const size_t row_bytes = (size_t)m->k * m->block_bytes;
            memset(group + (size_t)used * row_bytes, 0, pad * row_bytes);
            continue;
        }
        const size_t value_bytes = lig_dtype__value_bytes(dtype);
        for (size_t at = 0; at < n * value_bytes; at += 4 * n)
            memset(group + at + 4 * (size_t)used, 0, 4 * pad);
        for (size_t at = n * value_bytes; at < m->group_bytes; at += 2 * n)
            memset(group + at + 2 * (size_t)used, 0, 2 * pad);
    }
}

static void copy_element(const LigShape *from, const unsigned char *source, const LigShape *to,
                         unsigned char *target, int64_t flat)
{
    const LigElementPlace a = lig_shape_place(from, flat), b = lig_shape_place(to, flat);
    if (!lig_dtype_is_quantised(to->dtype)) {
        memcpy(target + b.byte, source + a.byte, (size_t)lig_dtype_block_bytes(to->dtype));
        return;
    }
    if (lig_dtype__is_nibbles(to->dtype)) {
        unsigned nibble = source[a.byte] >> a.shift & 15u, other = target[b.byte] & ~(15u << b.shift);
        target[b.byte] = (unsigned char)(other | nibble << b.shift);
    } else {
        const bool flips = to->dtype == LIG_Q8_0 && from->layout.kind != to->layout.kind;
        target[b.byte] = source[a.byte] ^ (flips ? 0x80 : 0);
    }
    memcpy(target + b.scale, source + a.scale, 2);
    if (to->dtype == LIG_Q4_1) memcpy(target + b.min, source + a.min, 2);
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
    for (int64_t flat = row * m.columns; flat < (row + count) * m.columns; flat++)
        copy_element(from, source, to, target, flat);
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
    const size_t row_bytes = (size_t)(m.columns / m.block) * m.block_bytes;
    const int64_t end = first_row + row_count;
    for (int64_t row = first_row, count; row < end; row += count) {
        const int64_t batch = row / m.rows, r = row % m.rows, first = r % m.n;
        count = m.n - first < m.rows - r ? m.n - first : m.rows - r;
        if (count > end - row) count = end - row;
        unsigned char *panel = (unsigned char *)target + (size_t)(batch * m.panels + r / m.n) * m.panel_bytes;
        const PanelRun run = {(const unsigned char *)source + (size_t)row * row_bytes, panel, row_bytes, first,
                              count};
        if (from->layout.kind == LIG_LAYOUT_ROWS)
            pack_run(&run, &m, to->dtype);
        else
            copy_rows(from, source, to, target, row, count);
        if (r + count == m.rows && first + count < m.n) zero_padding(panel, &m, to->dtype, first + count);
    }
}
