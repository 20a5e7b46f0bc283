#include "runtime/text/bpe.h"

#include "ir/base/alloc.h"
#include "runtime/text/utf8.h"

#include <string.h>

enum {
    SHORT_PIECE = 32, // symbols
    NO_SYMBOL = -1,
};

typedef struct LigBpeSymbol {
    int32_t id;             // LIG_TOKEN_NONE: merged into the one before
    int32_t previous, next; // or NO_SYMBOL
} LigBpeSymbol;

typedef struct LigBpePair {
    uint32_t rank;
    int32_t at; // index of the left symbol
    int32_t left, right, merged;
} LigBpePair;

LigBpe lig_bpe_of(const LigImage *image)
{
    LigBpe bpe = {.image = image};
    for (int c = 0; c < 128; c++) {
        const char letter = (char)c;
        bpe.ascii_ids[c] = lig_image_find(image, (LigStr){&letter, 1});
    }
    return bpe;
}

static const LigImageMerge *merge_of(const LigBpe *bpe, int32_t left, int32_t right)
{
    return lig_image_merge(bpe->image, (uint32_t)left, (uint32_t)right);
}

static LigStatus add_symbol(LigContext *ctx, LigBpe *bpe, int32_t id)
{
    return lig_token_ids_append(ctx, &bpe->start, &id, 1);
}

// The id of a symbol as the vocabulary spells it at its place in the piece.
static LigStatus spelled_id(LigContext *ctx, LigBpe *bpe, LigStr piece, LigStr symbol, int32_t *out)
{
    const LigImage *image = bpe->image;
    lig_text_clear(&bpe->spelled);
    if (symbol.data > piece.data) lig_text_append(&bpe->spelled, image->subword_prefix);
    lig_text_append(&bpe->spelled, symbol);
    if (symbol.data + symbol.length == piece.data + piece.length)
        lig_text_append(&bpe->spelled, image->word_end);
    if (bpe->spelled.failed) {
        lig_text_free(&bpe->spelled);
        return lig_no_memory(ctx);
    }
    *out = lig_image_find(image, lig_text_view(&bpe->spelled));
    return LIG_OK;
}

static LigStatus symbol_id(LigContext *ctx, LigBpe *bpe, LigStr piece, LigStr symbol, int32_t *out)
{
    if (bpe->image->subword_prefix.length > 0 || bpe->image->word_end.length > 0)
        return spelled_id(ctx, bpe, piece, symbol, out);
    const uint8_t first = (uint8_t)symbol.data[0];
    if (bpe->image->info->model == LIG_TEXT_BYTE_BPE)
        *out = bpe->image->byte_ids[first];
    else
        *out = first < 128 ? bpe->ascii_ids[first] : lig_image_find(bpe->image, symbol);
    return LIG_OK;
}

static bool has_byte_ids(const LigBpe *bpe, LigStr symbol)
{
    if (!(bpe->image->info->flags & LIG_TEXT_BYTE_FALLBACK)) return false;
    for (size_t i = 0; i < symbol.length; i++)
        if (bpe->image->byte_ids[(uint8_t)symbol.data[i]] == LIG_TOKEN_NONE) return false;
    return true;
}

// `*was_unknown`: whether the symbol before was written as unk.
static LigStatus add_unknown(LigContext *ctx, LigBpe *bpe, LigStr symbol, bool *was_unknown)
{
    const int32_t unk = bpe->image->info->unk;
    if (has_byte_ids(bpe, symbol)) {
        *was_unknown = false;
        for (size_t i = 0; i < symbol.length; i++)
            LIG_TRY(add_symbol(ctx, bpe, bpe->image->byte_ids[(uint8_t)symbol.data[i]]));
        return LIG_OK;
    }
    if (unk == LIG_TOKEN_NONE || (*was_unknown && bpe->image->info->flags & LIG_TEXT_FUSE_UNK)) return LIG_OK;
    *was_unknown = true;
    return add_symbol(ctx, bpe, unk);
}

// The piece as ids of its bytes or characters.
static LigStatus load_start(LigContext *ctx, LigBpe *bpe, LigStr piece)
{
    const bool is_bytes = bpe->image->info->model == LIG_TEXT_BYTE_BPE;
    bool was_unknown = false;
    bpe->start.count = 0;
    for (LigStr rest = piece; rest.length > 0;) {
        uint32_t bytes = 1;
        if (!is_bytes) (void)lig_utf8_get(rest, &bytes);
        const LigStr symbol = {rest.data, bytes};
        int32_t id;
        LIG_TRY(symbol_id(ctx, bpe, piece, symbol, &id));
        if (id == LIG_TOKEN_NONE) {
            LIG_TRY(add_unknown(ctx, bpe, symbol, &was_unknown));
        } else {
            LIG_TRY(add_symbol(ctx, bpe, id));
            was_unknown = false;
        }
        rest = lig_str_skip(rest, bytes);
    }
    return LIG_OK;
}

static LigStatus merge_short(LigContext *ctx, const LigBpe *bpe, LigTokenIds *out)
{
    int32_t *ids = bpe->start.data;
    const LigImageMerge *merges[SHORT_PIECE]; // of ids[i] and ids[i + 1]
    size_t count = bpe->start.count;
    for (size_t i = 0; i + 1 < count; i++) merges[i] = merge_of(bpe, ids[i], ids[i + 1]);
    while (count > 1) {
        size_t best = count;
        for (size_t i = 0; i + 1 < count; i++)
            if (merges[i] && (best == count || merges[i]->rank < merges[best]->rank)) best = i;
        if (best == count) break;
        ids[best] = (int32_t)merges[best]->merged;
        count--;
        memmove(ids + best + 1, ids + best + 2, (count - best - 1) * sizeof *ids);
        memmove(merges + best, merges + best + 1, (count - best) * sizeof(const LigImageMerge *));
        if (best + 1 < count) merges[best] = merge_of(bpe, ids[best], ids[best + 1]);
        if (best > 0) merges[best - 1] = merge_of(bpe, ids[best - 1], ids[best]);
    }
    return lig_token_ids_append(ctx, out, ids, count);
}

static bool is_before(const LigBpePair *a, const LigBpePair *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static LigStatus heap_push(LigContext *ctx, LigBpe *bpe, LigBpePair pair)
{
    if (bpe->heap_count == bpe->heap_capacity) {
        size_t capacity = bpe->heap_capacity ? 2 * bpe->heap_capacity : 256;
        LigBpePair *heap = lig_realloc(bpe->heap, capacity * sizeof *heap);
        if (!heap) return lig_no_memory(ctx);
        bpe->heap = heap;
        bpe->heap_capacity = capacity;
    }
    size_t at = bpe->heap_count++;
    for (; at > 0 && is_before(&pair, &bpe->heap[(at - 1) / 2]); at = (at - 1) / 2)
        bpe->heap[at] = bpe->heap[(at - 1) / 2];
    bpe->heap[at] = pair;
    return LIG_OK;
}

static LigBpePair heap_pop(LigBpe *bpe)
{
    LigBpePair top = bpe->heap[0];
    LigBpePair last = bpe->heap[--bpe->heap_count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= bpe->heap_count) break;
        if (child + 1 < bpe->heap_count && is_before(&bpe->heap[child + 1], &bpe->heap[child])) child++;
        if (!is_before(&bpe->heap[child], &last)) break;
        bpe->heap[at] = bpe->heap[child];
        at = child;
    }
    bpe->heap[at] = last;
    return top;
}

// Puts the pair that begins at symbol `at` into the heap when it has a merge.
static LigStatus consider(LigContext *ctx, LigBpe *bpe, int32_t at)
{
    if (at == NO_SYMBOL || bpe->symbols[at].next == NO_SYMBOL) return LIG_OK;
    int32_t left = bpe->symbols[at].id;
    int32_t right = bpe->symbols[bpe->symbols[at].next].id;
    const LigImageMerge *merge = merge_of(bpe, left, right);
    if (!merge) return LIG_OK;
    return heap_push(ctx, bpe, (LigBpePair){merge->rank, at, left, right, (int32_t)merge->merged});
}

// Turns the ids into a linked list of symbols.
static LigStatus load_symbols(LigContext *ctx, LigBpe *bpe)
{
    const size_t count = bpe->start.count;
    if (bpe->symbol_capacity < count) {
        lig_free(bpe->symbols);
        bpe->symbol_capacity = 0;
        bpe->symbols = lig_alloc(count * sizeof *bpe->symbols);
        if (!bpe->symbols) return lig_no_memory(ctx);
        bpe->symbol_capacity = count;
    }
    for (size_t i = 0; i < count; i++)
        bpe->symbols[i] = (LigBpeSymbol){bpe->start.data[i], (int32_t)i - 1, (int32_t)i + 1};
    bpe->symbols[count - 1].next = NO_SYMBOL;
    return LIG_OK;
}

static LigStatus apply(LigContext *ctx, LigBpe *bpe, LigBpePair pair)
{
    LigBpeSymbol *left = &bpe->symbols[pair.at];
    if (left->id != pair.left || left->next == NO_SYMBOL) return LIG_OK;
    LigBpeSymbol *right = &bpe->symbols[left->next];
    if (right->id != pair.right) return LIG_OK; // one of the two was merged since the pair was seen
    left->id = pair.merged;
    right->id = LIG_TOKEN_NONE;
    left->next = right->next;
    if (left->next != NO_SYMBOL) bpe->symbols[left->next].previous = pair.at;
    LIG_TRY(consider(ctx, bpe, left->previous));
    return consider(ctx, bpe, pair.at);
}

static LigStatus merge_long(LigContext *ctx, LigBpe *bpe, LigTokenIds *out)
{
    LIG_TRY(load_symbols(ctx, bpe));
    bpe->heap_count = 0;
    for (size_t i = 0; i + 1 < bpe->start.count; i++) LIG_TRY(consider(ctx, bpe, (int32_t)i));
    while (bpe->heap_count > 0) LIG_TRY(apply(ctx, bpe, heap_pop(bpe)));
    for (int32_t at = 0; at != NO_SYMBOL; at = bpe->symbols[at].next)
        LIG_TRY(lig_token_ids_append(ctx, out, &bpe->symbols[at].id, 1));
    return LIG_OK;
}

LigStatus lig_bpe_encode(LigContext *ctx, LigBpe *bpe, LigStr piece, LigTokenIds *out)
{
    if (bpe->image->info->flags & LIG_TEXT_WHOLE_WORDS) {
        int32_t id = lig_image_find(bpe->image, piece);
        if (id != LIG_TOKEN_NONE) return lig_token_ids_append(ctx, out, &id, 1);
    }
    LIG_TRY(load_start(ctx, bpe, piece));
    return bpe->start.count <= SHORT_PIECE ? merge_short(ctx, bpe, out) : merge_long(ctx, bpe, out);
}

void lig_bpe_release(LigBpe *bpe)
{
    lig_token_ids_free(&bpe->start);
    lig_text_free(&bpe->spelled);
    lig_free(bpe->symbols);
    lig_free(bpe->heap);
    *bpe = (LigBpe){0};
}
