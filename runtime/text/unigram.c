#include "runtime/text/unigram.h"

#include "ir/base/alloc.h"
#include "runtime/text/trie.h"
#include "runtime/text/utf8.h"

enum { NOT_REACHED = -1, UNKNOWN = -2 };

typedef struct LigUnigramStep {
    double score;
    int32_t start; // where the last token of the best way here begins, or NOT_REACHED
    int32_t id;    // of that token, or UNKNOWN
} LigUnigramStep;

static LigStatus reserve(LigContext *ctx, LigUnigram *u, size_t count)
{
    if (count <= u->capacity) return LIG_OK;
    lig_free(u->steps);
    u->capacity = 0;
    u->steps = lig_alloc((count + count / 2) * sizeof *u->steps);
    if (!u->steps) return lig_no_memory(ctx);
    u->capacity = count + count / 2;
    return LIG_OK;
}

static void reach(LigUnigramStep *step, double score, size_t start, int32_t id)
{
    if (step->start == NOT_REACHED || score > step->score) *step = (LigUnigramStep){score, (int32_t)start, id};
}

// All tokens that begin at `at`; whether one of them is the character alone.
static bool reach_tokens(LigUnigram *u, LigStr piece, size_t at, uint32_t character)
{
    const LigImage *image = u->image;
    const double here = u->steps[at].score;
    bool has_single = false;
    uint32_t node = 0;
    for (size_t end = at; end < piece.length;) {
        node = lig_trie_step(image->nodes, image->node_count, node, (uint8_t)piece.data[end]);
        if (node == LIG_TRIE_NONE) break;
        end++;
        const int32_t id = image->nodes[node].id;
        if (id == LIG_TOKEN_NONE) continue;
        reach(&u->steps[end], here + image->scores[id], at, id);
        has_single |= end - at == character;
    }
    return has_single;
}

static void find_best(LigUnigram *u, LigStr piece)
{
    for (size_t i = 1; i <= piece.length; i++) u->steps[i].start = NOT_REACHED;
    u->steps[0] = (LigUnigramStep){0, 0, UNKNOWN};
    for (size_t at = 0; at < piece.length;) {
        uint32_t bytes;
        (void)lig_utf8_get(lig_str_skip(piece, at), &bytes);
        if (!reach_tokens(u, piece, at, bytes))
            reach(&u->steps[at + bytes], u->steps[at].score + u->image->info->unk_score, at, UNKNOWN);
        at += bytes;
    }
}

// Turns the way back from the end into the way there: step[begin].start becomes the end of the token there.
static void reverse(LigUnigram *u, size_t length)
{
    size_t end = length;
    LigUnigramStep step = u->steps[end];
    while (end > 0) {
        const size_t begin = (size_t)step.start;
        const LigUnigramStep before = u->steps[begin];
        u->steps[begin] = (LigUnigramStep){0, (int32_t)end, step.id};
        step = before;
        end = begin;
    }
}

static bool has_byte_ids(const LigImage *image, LigStr text)
{
    if (!(image->info->flags & LIG_TEXT_BYTE_FALLBACK)) return false;
    for (size_t i = 0; i < text.length; i++)
        if (image->byte_ids[(uint8_t)text.data[i]] == LIG_TOKEN_NONE) return false;
    return true;
}

static LigStatus write_unknown(LigContext *ctx, const LigImage *image, LigStr text, LigTokenIds *out)
{
    const int32_t whole = lig_image_find(image, text); // several unknown characters may be a token by chance
    if (whole != LIG_TOKEN_NONE) return lig_token_ids_append(ctx, out, &whole, 1);
    if (has_byte_ids(image, text)) {
        for (size_t i = 0; i < text.length; i++)
            LIG_TRY(lig_token_ids_append(ctx, out, &image->byte_ids[(uint8_t)text.data[i]], 1));
        return LIG_OK;
    }
    return lig_token_ids_append(ctx, out, &image->info->unk, image->info->unk == LIG_TOKEN_NONE ? 0 : 1);
}

static LigStatus write_best(LigContext *ctx, const LigUnigram *u, LigStr piece, LigTokenIds *out)
{
    const bool fuse = u->image->info->flags & LIG_TEXT_FUSE_UNK;
    for (size_t at = 0; at < piece.length;) {
        const LigUnigramStep *step = &u->steps[at];
        size_t end = (size_t)step->start;
        if (step->id >= 0) {
            LIG_TRY(lig_token_ids_append(ctx, out, &step->id, 1));
        } else {
            while (fuse && end < piece.length && u->steps[end].id == UNKNOWN) end = (size_t)u->steps[end].start;
            LIG_TRY(write_unknown(ctx, u->image, (LigStr){piece.data + at, end - at}, out));
        }
        at = end;
    }
    return LIG_OK;
}

LigStatus lig_unigram_encode(LigContext *ctx, LigUnigram *u, LigStr piece, LigTokenIds *out)
{
    LIG_TRY(reserve(ctx, u, piece.length + 1));
    find_best(u, piece);
    reverse(u, piece.length);
    return write_best(ctx, u, piece, out);
}

void lig_unigram_release(LigUnigram *u)
{
    lig_free(u->steps);
    *u = (LigUnigram){0};
}
