#include "runtime/text/bpe.h"

#include "ir/base/alloc.h"

#include <string.h>

enum {
    SHORT_PIECE = 32,
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

static int32_t byte_id(const LigBpe *bpe, char byte)
{
    int32_t id = bpe->byte_ids[(uint8_t)byte];
    return id == LIG_TOKEN_NONE ? bpe->image->info->unk : id;
}

static const LigImageMerge *merge_of(const LigBpe *bpe, int32_t left, int32_t right)
{
    return lig_image_merge(bpe->image, (uint32_t)left, (uint32_t)right);
}

static LigStatus encode_short(LigContext *ctx, const LigBpe *bpe, LigStr piece, LigTokenIds *out)
{
    int32_t ids[SHORT_PIECE];
    const LigImageMerge *merges[SHORT_PIECE]; // of ids[i] and ids[i + 1]
    size_t count = 0;
    for (size_t i = 0; i < piece.length; i++) {
        int32_t id = byte_id(bpe, piece.data[i]);
        if (id != LIG_TOKEN_NONE) ids[count++] = id;
    }
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

// Turns the bytes into a linked list of symbols; gives how many there are.
static LigStatus load_symbols(LigContext *ctx, LigBpe *bpe, LigStr piece, int32_t *out_count)
{
    if (bpe->symbol_capacity < piece.length) {
        lig_free(bpe->symbols);
        bpe->symbol_capacity = 0;
        bpe->symbols = lig_alloc(piece.length * sizeof *bpe->symbols);
        if (!bpe->symbols) return lig_no_memory(ctx);
        bpe->symbol_capacity = piece.length;
    }
    int32_t count = 0;
    for (size_t i = 0; i < piece.length; i++) {
        int32_t id = byte_id(bpe, piece.data[i]);
        if (id == LIG_TOKEN_NONE) continue;
        bpe->symbols[count] = (LigBpeSymbol){id, count - 1, count + 1};
        count++;
    }
    if (count > 0) bpe->symbols[count - 1].next = NO_SYMBOL;
    *out_count = count;
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

static LigStatus encode_long(LigContext *ctx, LigBpe *bpe, LigStr piece, LigTokenIds *out)
{
    int32_t count = 0;
    LIG_TRY(load_symbols(ctx, bpe, piece, &count));
    bpe->heap_count = 0;
    for (int32_t i = 0; i + 1 < count; i++) LIG_TRY(consider(ctx, bpe, i));
    while (bpe->heap_count > 0) LIG_TRY(apply(ctx, bpe, heap_pop(bpe)));
    for (int32_t at = count > 0 ? 0 : NO_SYMBOL; at != NO_SYMBOL; at = bpe->symbols[at].next)
        LIG_TRY(lig_token_ids_append(ctx, out, &bpe->symbols[at].id, 1));
    return LIG_OK;
}

LigStatus lig_bpe_encode(LigContext *ctx, LigBpe *bpe, LigStr piece, LigTokenIds *out)
{
    if (bpe->image->info->flags & LIG_TEXT_WHOLE_WORDS) {
        int32_t id = lig_image_find(bpe->image, piece);
        if (id != LIG_TOKEN_NONE) return lig_token_ids_append(ctx, out, &id, 1);
    }
    if (piece.length <= SHORT_PIECE) return encode_short(ctx, bpe, piece, out);
    return encode_long(ctx, bpe, piece, out);
}

void lig_bpe_release(LigBpe *bpe)
{
    lig_free(bpe->symbols);
    lig_free(bpe->heap);
    *bpe = (LigBpe){0};
}
