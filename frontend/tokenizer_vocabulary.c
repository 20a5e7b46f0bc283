#include "frontend/tokenizer_vocabulary.h"

#include "frontend/byte_level.h"

#include <stdlib.h>
#include <string.h>

LigStatus lig_vocabulary_init(LigVocabulary *v, size_t count)
{
    if (count == 0 || count > LIG_MAX_TOKENS)
        return lig_fail(v->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(v->path),
                        "tokenizer: a vocabulary of %zu tokens, expected 1 to %d", count, LIG_MAX_TOKENS);
    v->tokens = LIG_NEW_ARRAY(v->arena, LigStr, count);
    v->spellings = LIG_NEW_ARRAY(v->arena, LigStr, count);
    v->token_count = count;
    v->unmatched = LIG_NEW_ARRAY(v->arena, uint8_t, count);
    v->scores = LIG_NEW_ARRAY(v->arena, double, count);
    return v->tokens && v->spellings && v->unmatched && v->scores ? LIG_OK : lig_no_memory(v->ctx);
}

static LigStatus remember(LigVocabulary *v, int32_t id, LigStr spelling)
{
    if (id < 0 || (size_t)id >= v->token_count)
        return lig_fail(v->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(v->path),
                        "tokenizer: token '%.*s' has id %d, expected 0 to %zu", LIG_STR_ARG(spelling), id,
                        v->token_count - 1);
    if (lig_map_get(&v->ids, spelling)) return LIG_OK;
    v->spellings[id] = spelling;
    if (!lig_map_put(v->arena, &v->ids, spelling, (void *)((uintptr_t)id + 1))) return lig_no_memory(v->ctx);
    return LIG_OK;
}

LigStatus lig_vocabulary_put(LigVocabulary *v, int32_t id, LigStr spelling)
{
    if (!spelling.data) spelling = LIG_STR("");
    LIG_TRY(remember(v, id, spelling));
    v->tokens[id] = v->is_byte_level ? lig_byte_level_decode(v->arena, spelling) : spelling;
    return v->tokens[id].data ? LIG_OK : lig_no_memory(v->ctx);
}

LigStatus lig_vocabulary_add(LigVocabulary *v, LigAddedSpec added, LigStr content)
{
    LIG_TRY(remember(v, added.id, content));
    v->tokens[added.id] = content;
    return LIG_VEC_PUSH(v->arena, &v->added, added) ? LIG_OK : lig_no_memory(v->ctx);
}

int32_t lig_vocabulary_find(const LigVocabulary *v, LigStr spelling)
{
    return (int32_t)(uintptr_t)lig_map_get(&v->ids, spelling) - 1;
}

static bool is_joined(LigStr whole, LigStr left, LigStr right)
{
    return whole.length == left.length + right.length && lig_str_starts_with(whole, left) &&
           lig_str_ends_with(whole, right);
}

// The id of the token spelled as both joined. Trained vocabularies list tokens in the order of their merges, so
// the one after the last merge's is looked at first. Errors: NO_MEMORY.
static LigStatus find_joined(LigVocabulary *v, LigStr left, LigStr right, int32_t *out)
{
    size_t next = v->merges.count > 0 ? (size_t)v->merges.data[v->merges.count - 1].merged + 1 : v->token_count;
    if (next < v->token_count && is_joined(v->spellings[next], left, right)) {
        *out = (int32_t)next;
        return LIG_OK;
    }
    char small[64];
    size_t length = left.length + right.length;
    char *bytes = length <= sizeof small ? small : lig_arena_alloc(v->arena, length);
    if (!bytes) return lig_no_memory(v->ctx);
    memcpy(bytes, left.data, left.length);
    memcpy(bytes + left.length, right.data, right.length);
    *out = lig_vocabulary_find(v, (LigStr){bytes, length});
    return LIG_OK;
}

LigStatus lig_vocabulary_merge(LigVocabulary *v, LigStr left, LigStr right)
{
    const LigStr added = lig_str_skip(right, lig_str_starts_with(right, v->joint) ? v->joint.length : 0);
    LigMergeSpec merge = {
        .left = lig_vocabulary_find(v, left),
        .right = lig_vocabulary_find(v, right),
        .rank = (uint32_t)v->merges.count,
    };
    LIG_TRY(find_joined(v, left, added, &merge.merged));
    if (merge.left == LIG_TOKEN_NONE || merge.right == LIG_TOKEN_NONE || merge.merged == LIG_TOKEN_NONE)
        return lig_fail(
            v->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(v->path),
            "tokenizer: merge %zu joins '%.*s' and '%.*s', but not all of the two and their union are in "
            "the vocabulary",
            v->merges.count, LIG_STR_ARG(left), LIG_STR_ARG(right));
    return LIG_VEC_PUSH(v->arena, &v->merges, merge) ? LIG_OK : lig_no_memory(v->ctx);
}

LigStatus lig_vocabulary_merge_line(LigVocabulary *v, LigStr line)
{
    // Tokens of such files have no space, so the only one (after a first character) divides the two.
    const char *space = line.length > 1 ? memchr(line.data + 1, ' ', line.length - 1) : NULL;
    if (!space)
        return lig_fail(v->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(v->path),
                        "tokenizer: merge %zu is '%.*s', expected two tokens with a space between",
                        v->merges.count, LIG_STR_ARG(line));
    LigStr left = {line.data, (size_t)(space - line.data)};
    return lig_vocabulary_merge(v, left, lig_str_skip(line, left.length + 1));
}

typedef struct Scored {
    double score;
    int32_t id;
} Scored;

static int by_score(const void *a, const void *b)
{
    const Scored *left = a;
    const Scored *right = b;
    if (left->score != right->score) return left->score > right->score ? -1 : 1;
    return left->id < right->id ? -1 : left->id > right->id;
}

// Every way to put the token together of two others.
static LigStatus merges_into(LigVocabulary *v, int32_t id, uint32_t rank)
{
    const LigStr token = v->tokens[id];
    for (size_t cut = 1; cut < token.length; cut++) {
        if (((uint8_t)token.data[cut] & 0xC0) == 0x80) continue; // inside a character
        const int32_t left = lig_vocabulary_find(v, (LigStr){token.data, cut});
        const int32_t right = left == LIG_TOKEN_NONE ? left : lig_vocabulary_find(v, lig_str_skip(token, cut));
        if (right == LIG_TOKEN_NONE || v->unmatched[left] || v->unmatched[right]) continue;
        const LigMergeSpec merge = {.left = left, .right = right, .merged = id, .rank = rank};
        if (!LIG_VEC_PUSH(v->arena, &v->merges, merge)) return lig_no_memory(v->ctx);
    }
    return LIG_OK;
}

LigStatus lig_vocabulary_merge_by_score(LigVocabulary *v)
{
    Scored *order = LIG_NEW_ARRAY(v->arena, Scored, v->token_count);
    if (!order) return lig_no_memory(v->ctx);
    size_t count = 0;
    for (size_t i = 0; i < v->token_count; i++)
        if (v->tokens[i].length > 1 && !v->unmatched[i]) order[count++] = (Scored){v->scores[i], (int32_t)i};
    if (count > 1) qsort(order, count, sizeof *order, by_score);
    uint32_t rank = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && order[i].score != order[i - 1].score) rank++;
        LIG_TRY(merges_into(v, order[i].id, rank));
    }
    return LIG_OK;
}
