// Quantised blocks from the file's form to panels, and bit by bit from any layout to any other. What goes where
// follows from the table of ir/layout_block.h.
#include "ir/layout_parts.h"

#include <string.h>

static uint32_t element_mask(const LigBlockPlace *place)
{
    const uint32_t one = UINT32_C(0xffffffff) >> (32 - place->bits);
    return (place->piece == LIG_BLOCK_WORD ? one * UINT32_C(0x01010101) : one) << place->shift;
}

static inline uint32_t load_piece(const unsigned char *at, size_t bytes)
{
    uint32_t piece = 0;
    memcpy(&piece, at, bytes);
    return piece;
}

// ---- blocks of a file to a panel ----

static LigBlockMove *move_to(LigBlockMoves *moves, const LigBlockPlace *to)
{
    for (int i = moves->count - 1; i >= 0; i--)
        if (moves->list[i].target == to->byte) return &moves->list[i];
    LIG_ASSERT(moves->count < LIG_BLOCK_MOST_MOVES);
    LigBlockMove *move = &moves->list[moves->count++];
    *move = (LigBlockMove){.target = (uint8_t)to->byte, .bytes = (uint8_t)to->piece};
    return move;
}

// Elements that keep their places in the same pieces move together.
static void add_source(LigBlockMove *move, const LigBlockPlace *from, const LigBlockPlace *to)
{
    const int bits = 8 * to->piece;
    LigBlockSource source = {.mask = element_mask(to), .byte = (uint8_t)from->byte};
    move->side_by_side = from->side_by_side;
    if (from->side_by_side) {
        source.right = (uint8_t)from->shift;
        source.left = (uint8_t)to->shift;
    } else {
        source.right = (uint8_t)((from->shift - to->shift + bits) % bits);
        source.left = (uint8_t)((bits - source.right) % bits);
    }
    for (int i = 0; i < move->count && !from->side_by_side; i++) {
        if (move->sources[i].byte != source.byte || move->sources[i].right != source.right) continue;
        move->sources[i].mask |= source.mask;
        return;
    }
    LIG_ASSERT(move->count < LIG_BLOCK_MOST_SOURCES);
    move->sources[move->count++] = source;
}

void lig_block_plan_moves(LigDtype dtype, LigBlockMoves *moves)
{
    const LigBlockFacts *facts = lig_block_facts(dtype);
    moves->count = 0;
    for (int p = 0; p < facts->plane_count; p++) {
        const LigPlane *plane = &facts->planes[p];
        for (int i = plane->first; i < plane->first + plane->count; i++) {
            const LigBlockPlace from = lig_block_place(facts, LIG_LAYOUT_ROWS, plane->part, i);
            const LigBlockPlace to = lig_block_place(facts, LIG_LAYOUT_PANEL, plane->part, i);
            LigBlockMove *move = move_to(moves, &to);
            add_source(move, &from, &to);
            if (plane->part == LIG_PART_LOW) move->flip = facts->flip * UINT32_C(0x01010101);
        }
    }
}

// Four rows at once: a lane each.
enum { ROWS = 4 };
typedef uint32_t Lanes __attribute__((vector_size(ROWS * sizeof(uint32_t))));

// Pieces of the first `rows` rows; of fewer than four the others are zero.
static inline Lanes load_rows(const unsigned char *at, size_t row_bytes, int64_t rows, size_t bytes)
{
    Lanes lanes = {0};
    if (rows >= ROWS)
        return (Lanes){load_piece(at, bytes), load_piece(at + row_bytes, bytes),
                       load_piece(at + 2 * row_bytes, bytes), load_piece(at + 3 * row_bytes, bytes)};
    for (int64_t r = 0; r < rows; r++) lanes[r] = load_piece(at + (size_t)r * row_bytes, bytes);
    return lanes;
}

static inline void store_rows(unsigned char *at, Lanes lanes, int64_t rows, size_t bytes)
{
    if (rows >= ROWS && bytes == sizeof lanes[0]) {
        memcpy(at, &lanes, sizeof lanes);
        return;
    }
    for (int64_t r = 0; r < rows && r < ROWS; r++) {
        const uint32_t lane = lanes[r];
        memcpy(at + (size_t)r * bytes, &lane, bytes);
    }
}

static inline Lanes take(const LigBlockSource *source, Lanes lanes)
{
    return ((lanes >> source->right) | (lanes << source->left)) & source->mask;
}

// lig_block_spread of each lane.
static inline Lanes take_spread(const LigBlockSource *source, Lanes lanes)
{
    const Lanes four = lanes >> source->right & 15u;
    return ((four | four << 7 | four << 14 | four << 21) & UINT32_C(0x01010101)) << source->left;
}

// One piece of all rows of the run. With constant bytes and counts the compiler makes straight code of it; copies
// of what is constant over the rows can't be overwritten by `target`, for all it knows of the originals.
static inline void gather_piece(const LigPanelRun *run, const LigBlockMove *move, const unsigned char *block,
                                unsigned char *target, size_t bytes, int count)
{
    const size_t row_bytes = run->source_row_bytes;
    const Lanes flip = (Lanes){0} + move->flip;
    LigBlockSource sources[LIG_BLOCK_MOST_SOURCES];
    for (int i = 0; i < count; i++) sources[i] = move->sources[i];
    for (int64_t left = run->count; left > 0; left -= ROWS) {
        Lanes sum = flip;
        for (int i = 0; i < count; i++)
            sum ^= take(&sources[i], load_rows(block + sources[i].byte, row_bytes, left, bytes));
        store_rows(target, sum, left, bytes);
        block += ROWS * row_bytes;
        target += ROWS * bytes;
    }
}

// The same for whole pieces that stay as they are.
static inline void copy_piece(const LigPanelRun *run, const LigBlockMove *move, const unsigned char *block,
                              unsigned char *target, size_t bytes)
{
    const size_t row_bytes = run->source_row_bytes;
    const uint32_t flip = move->flip;
    block += move->sources[0].byte;
    for (int64_t r = 0; r < run->count; r++, block += row_bytes, target += bytes) {
        const uint32_t piece = load_piece(block, bytes) ^ flip;
        memcpy(target, &piece, bytes);
    }
}

static inline void move_piece(const LigPanelRun *run, const LigBlockMove *move, const unsigned char *block,
                              unsigned char *target, size_t bytes)
{
    const LigBlockSource *only = move->count == 1 ? &move->sources[0] : NULL;
    if (only && only->right == 0 && only->mask == UINT32_C(0xffffffff) >> (32 - 8 * bytes)) {
        copy_piece(run, move, block, target, bytes);
        return;
    }
    switch (move->count) {
    case 2:
        gather_piece(run, move, block, target, bytes, 2);
        return;
    case 4:
        gather_piece(run, move, block, target, bytes, 4);
        return;
    case 8:
        gather_piece(run, move, block, target, bytes, 8);
        return;
    default:
        gather_piece(run, move, block, target, bytes, move->count);
        return;
    }
}

static void spread_word(const LigPanelRun *run, const LigBlockMove *move, const unsigned char *block,
                        unsigned char *target)
{
    const LigBlockMove own = *move;
    const size_t row_bytes = run->source_row_bytes;
    for (int64_t left = run->count; left > 0; left -= ROWS) {
        Lanes sum = {0};
        for (int i = 0; i < own.count; i++)
            sum |= take_spread(&own.sources[i], load_rows(block + own.sources[i].byte, row_bytes, left, 1));
        store_rows(target, sum, left, LIG_BLOCK_WORD);
        block += ROWS * row_bytes;
        target += ROWS * LIG_BLOCK_WORD;
    }
}

static void pack_group(const LigPanelRun *run, const LigBlockMoves *moves, const unsigned char *block,
                       unsigned char *group, size_t n)
{
    for (int i = 0; i < moves->count; i++) {
        const LigBlockMove *move = &moves->list[i];
        unsigned char *target = group + n * move->target + (size_t)run->first * move->bytes;
        if (move->side_by_side)
            spread_word(run, move, block, target);
        else if (move->bytes == LIG_BLOCK_WORD)
            move_piece(run, move, block, target, LIG_BLOCK_WORD);
        else if (move->bytes == 2)
            move_piece(run, move, block, target, 2);
        else
            move_piece(run, move, block, target, 1);
    }
}

void lig_block_pack(const LigPanelRun *run, const LigMatrix *m, const LigBlockMoves *moves)
{
    const size_t groups = (size_t)(m->columns / m->k);
    for (size_t g = 0; g < groups; g++)
        pack_group(run, moves, run->source + g * m->block_bytes, run->panel + g * m->group_bytes, (size_t)m->n);
}

void lig_block_zero_padding(unsigned char *panel, const LigMatrix *m, const LigBlockMoves *moves, int64_t used)
{
    const size_t n = (size_t)m->n, pad = n - (size_t)used;
    for (unsigned char *group = panel; group < panel + m->panel_bytes; group += m->group_bytes) {
        for (int i = 0; i < moves->count; i++) {
            const LigBlockMove *move = &moves->list[i];
            memset(group + n * move->target + (size_t)used * move->bytes, 0, pad * move->bytes);
        }
    }
}

// ---- any layout to any other ----

static void write_bits(const LigBlockRow *row, const LigBlockPlace *place, uint32_t bits)
{
    unsigned char *at =
        (unsigned char *)(uintptr_t)row->start + row->n * (size_t)place->byte + row->row * (size_t)place->piece;
    if (place->side_by_side) {
        const unsigned four = lig_block_gather(bits);
        *at = (unsigned char)((*at & ~(15u << place->shift)) | four << place->shift);
        return;
    }
    uint32_t piece = load_piece(at, (size_t)place->piece);
    piece = (piece & ~element_mask(place)) | bits << place->shift;
    memcpy(at, &piece, (size_t)place->piece);
}

void lig_block_copy(const LigBlockRow *from, const LigBlockRow *to)
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
