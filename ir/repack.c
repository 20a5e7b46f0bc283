// From one layout to another, bit for bit. The paths from rows to panels, walked when a model is loaded, move
// pieces of all rows at once; all others go element by element, block by block if quantised.
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

// ---- blocks of a file to a panel ----

// What of a block's bits goes from where to where. Bytes are those of a block of one row.
typedef struct Move {
    uint32_t mask; // of the target's piece
    uint32_t flip; // xor of it
    uint8_t source, target;
    uint8_t piece;     // bytes: 1, 2 or 4
    uint8_t right;     // rotation of the piece, in bits
    bool first;        // of the moves to this piece of the target
    bool side_by_side; // four bits in one byte, to be spread over four; `right` then shifts, before
    uint8_t left;      // and this, after
} Move;

enum { MOST_MOVES = 192 };

typedef struct Moves {
    int count;
    Move list[MOST_MOVES];
    int last[256]; // by target byte: the last move to it, or -1
} Moves;

static uint32_t element_mask(const LigBlockPlace *place)
{
    const uint32_t one = UINT32_C(0xffffffff) >> (32 - place->bits);
    return (place->piece == LIG_BLOCK_WORD ? one * UINT32_C(0x01010101) : one) << place->shift;
}

// Elements that keep their places in the same pieces move together.
static void add_move(Moves *moves, const LigBlockPlace *from, const LigBlockPlace *to, unsigned flip)
{
    const int piece_bits = 8 * to->piece;
    Move move = {.mask = element_mask(to),
                 .flip = to->piece == LIG_BLOCK_WORD ? flip * UINT32_C(0x01010101) : 0,
                 .source = (uint8_t)from->byte,
                 .target = (uint8_t)to->byte,
                 .piece = (uint8_t)to->piece,
                 .side_by_side = from->side_by_side};
    if (from->side_by_side) {
        move.right = (uint8_t)from->shift;
        move.left = (uint8_t)to->shift;
    } else {
        move.right = (uint8_t)((from->shift - to->shift + piece_bits) % piece_bits);
    }
    const int before = moves->last[move.target];
    Move *last = before < 0 ? NULL : &moves->list[before];
    if (last && last->source == move.source && last->right == move.right && !move.side_by_side) {
        last->mask |= move.mask;
        return;
    }
    move.first = last == NULL;
    moves->last[move.target] = moves->count;
    moves->list[moves->count++] = move;
}

static void plan_moves(LigDtype dtype, Moves *moves)
{
    const LigBlockFacts *facts = lig_block_facts(dtype);
    moves->count = 0;
    for (int i = 0; i < 256; i++) moves->last[i] = -1;
    for (int p = 0; p < facts->plane_count; p++) {
        const LigPlane *plane = &facts->planes[p];
        for (int i = plane->first; i < plane->first + plane->count; i++) {
            const LigBlockPlace from = lig_block_place(facts, LIG_LAYOUT_ROWS, plane->part, i);
            const LigBlockPlace to = lig_block_place(facts, LIG_LAYOUT_PANEL, plane->part, i);
            add_move(moves, &from, &to, facts->flip);
        }
    }
    LIG_ASSERT(moves->count <= MOST_MOVES);
}

static inline uint32_t load_piece(const unsigned char *at, size_t piece)
{
    uint32_t bits = 0;
    memcpy(&bits, at, piece);
    return bits;
}

// A move of a piece of `piece` bytes (a constant) for all rows of the run.
static inline void move_rows(const PanelRun *run, const Move *move, const unsigned char *source,
                             unsigned char *target, size_t piece)
{
    const int bits = (int)(8 * piece), right = move->right, left = (bits - right) % bits;
    const uint32_t keep = move->first ? 0 : ~UINT32_C(0), mask = move->mask;
    const uint32_t flip = move->flip;
    for (int64_t r = 0; r < run->count; r++, source += run->source_row_bytes, target += piece) {
        const uint32_t value = load_piece(source, piece);
        const uint32_t here = ((value >> right | value << left) ^ flip) & mask;
        const uint32_t moved = here | (load_piece(target, piece) & keep);
        memcpy(target, &moved, piece);
    }
}

static void spread_rows(const PanelRun *run, const Move *move, const unsigned char *source,
                        unsigned char *target)
{
    const uint32_t keep = move->first ? 0 : ~UINT32_C(0);
    for (int64_t r = 0; r < run->count; r++, source += run->source_row_bytes, target += LIG_BLOCK_WORD) {
        const uint32_t word = lig_block_spread((uint32_t)*source >> move->right) << move->left;
        const uint32_t moved = word | (load_piece(target, LIG_BLOCK_WORD) & keep);
        memcpy(target, &moved, LIG_BLOCK_WORD);
    }
}

static void move_piece(const PanelRun *run, const LigMatrix *m, const Move *move, size_t g)
{
    const unsigned char *source = run->source + g * m->block_bytes + move->source;
    const size_t n = (size_t)m->n, first = (size_t)run->first;
    unsigned char *target = run->panel + g * m->group_bytes + n * move->target + first * move->piece;
    if (move->side_by_side)
        spread_rows(run, move, source, target);
    else if (move->piece == LIG_BLOCK_WORD)
        move_rows(run, move, source, target, LIG_BLOCK_WORD);
    else if (move->piece == 2)
        move_rows(run, move, source, target, 2);
    else
        move_rows(run, move, source, target, 1);
}

static void pack_blocks(const PanelRun *run, const LigMatrix *m, const Moves *moves)
{
    const size_t groups = (size_t)(m->columns / m->k);
    for (size_t g = 0; g < groups; g++) {
        for (int i = 0; i < moves->count; i++) move_piece(run, m, &moves->list[i], g);
    }
}

// Zeroes the rows from `used` to n of a panel.
static void zero_padding(unsigned char *panel, const LigMatrix *m, const Moves *moves, int64_t used)
{
    const size_t groups = (size_t)(m->columns / m->k), n = (size_t)m->n, pad = n - (size_t)used;
    for (size_t g = 0; g < groups; g++) {
        unsigned char *group = panel + g * m->group_bytes;
        if (m->block == 1) {
            const size_t row_bytes = (size_t)m->k * m->block_bytes;
            memset(group + (size_t)used * row_bytes, 0, pad * row_bytes);
            continue;
        }
        for (int i = 0; i < moves->count; i++) {
            const Move *move = &moves->list[i];
            memset(group + n * move->target + (size_t)used * move->piece, 0, pad * move->piece);
        }
    }
}

// ---- any layout to any other ----

static void write_bits(const LigBlockRow *row, const LigBlockPlace *place, uint32_t bits)
{
    unsigned char *at =
        (unsigned char *)(uintptr_t)row->start + row->n * (size_t)place->byte + row->row * (size_t)place->piece;
    uint32_t piece;
    if (place->side_by_side) {
        const unsigned four = lig_block_gather(bits);
        *at = (unsigned char)((*at & ~(15u << place->shift)) | four << place->shift);
        return;
    }
    piece = load_piece(at, (size_t)place->piece);
    piece = (piece & ~element_mask(place)) | bits << place->shift;
    memcpy(at, &piece, (size_t)place->piece);
}

static void copy_block(const LigBlockRow *from, const LigBlockRow *to)
{
    const uint32_t flip = from->kind == to->kind ? 0 : from->facts->flip * UINT32_C(0x01010101);
    for (int p = 0; p < to->facts->plane_count; p++) {
        const LigPlane *plane = &to->facts->planes[p];
        for (int i = plane->first; i < plane->first + plane->count; i++) {
            const LigBlockPlace place = lig_block_place(to->facts, to->kind, plane->part, i);
            const uint32_t bits = lig_block_bits(from, plane->part, i);
            write_bits(to, &place, plane->part == LIG_PART_LOW ? bits ^ flip : bits);
        }
    }
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
    copy_block(&x, &y);
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
    Moves moves = {.count = 0};
    if (m.block > 1) plan_moves(to->dtype, &moves);
    const size_t row_bytes = (size_t)(m.columns / m.block) * m.block_bytes;
    const int64_t end = first_row + row_count;
    for (int64_t row = first_row, count; row < end; row += count) {
        const int64_t batch = row / m.rows, r = row % m.rows, first = r % m.n;
        count = m.n - first < m.rows - r ? m.n - first : m.rows - r;
        if (count > end - row) count = end - row;
        unsigned char *panel = (unsigned char *)target + (size_t)(batch * m.panels + r / m.n) * m.panel_bytes;
        const PanelRun run = {(const unsigned char *)source + (size_t)row * row_bytes, panel, row_bytes, first,
                              count};
        if (from->layout.kind == LIG_LAYOUT_ROWS && m.block > 1)
            pack_blocks(&run, &m, &moves);
        else if (from->layout.kind == LIG_LAYOUT_ROWS)
            pack_plain(&run, &m);
        else
            copy_rows(from, source, to, target, row, count);
        if (r + count == m.rows && first + count < m.n) zero_padding(panel, &m, &moves, first + count);
    }
}
