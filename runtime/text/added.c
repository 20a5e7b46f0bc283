#include "runtime/text/added.h"

#include "ir/base/alloc.h"
#include "runtime/text/utf8.h"

#include <stdlib.h>

static int by_id(const void *a, const void *b)
{
    const LigAddedEntry *left = a;
    const LigAddedEntry *right = b;
    return left->added.id < right->added.id ? -1 : left->added.id > right->added.id;
}

LigStr lig_added_text(const LigAddedIndex *index, int32_t id)
{
    const LigAddedEntry key = {.added = {.id = (uint32_t)id}};
    const LigAddedEntry *entry =
        index->count > 0 ? bsearch(&key, index->entries, index->count, sizeof key, by_id) : NULL;
    return entry ? entry->text : (LigStr){0};
}

// Texts go one after another into memory that may move, so that entries hold offsets until all are there.
static LigStatus normalise_texts(LigContext *ctx, LigNormaliser *normaliser, LigAddedIndex *index)
{
    for (size_t i = 0; i < index->count; i++) {
        LigStr normal;
        LIG_TRY(lig_normaliser_run(ctx, normaliser, index->entries[i].text, &normal));
        lig_text_append(&index->normalised, normal);
        index->entries[i].text.length = normal.length;
    }
    if (index->normalised.failed) return lig_no_memory(ctx);
    size_t at = 0;
    size_t kept = 0;
    for (size_t i = 0; i < index->count; i++) {
        LigAddedEntry entry = index->entries[i];
        if (entry.text.length == 0) continue;
        entry.text.data = index->normalised.data + at;
        at += entry.text.length;
        index->entries[kept++] = entry;
    }
    index->count = kept;
    return LIG_OK;
}

static LigStatus build_trie(LigContext *ctx, LigAddedIndex *index)
{
    LigTrieKey *keys = lig_alloc((index->count + 1) * sizeof *keys);
    if (!keys) return lig_no_memory(ctx);
    for (size_t i = 0; i < index->count; i++) {
        keys[i] = (LigTrieKey){index->entries[i].text, (int32_t)i};
        index->starts[(uint8_t)index->entries[i].text.data[0]] = true;
    }
    LigStatus status = lig_trie_build(ctx, keys, index->count, &index->trie);
    lig_free(keys);
    return status;
}

LigStatus lig_added_index_build(LigContext *ctx, const LigImage *image, LigNormaliser *normaliser,
                                LigAddedIndex *out)
{
    *out = (LigAddedIndex){0};
    out->entries = lig_alloc((image->added_count + 1) * sizeof *out->entries);
    if (!out->entries) return lig_no_memory(ctx);
    for (size_t i = 0; i < image->added_count; i++) {
        const LigImageAdded added = image->added[i];
        if (((added.flags & LIG_ADDED_NORMALIZED) != 0) != (normaliser != NULL)) continue;
        out->entries[out->count++] = (LigAddedEntry){lig_image_token(image, (int32_t)added.id), added};
    }
    if (out->count > 1) qsort(out->entries, out->count, sizeof *out->entries, by_id);
    if (normaliser) LIG_TRY(normalise_texts(ctx, normaliser, out));
    return build_trie(ctx, out);
}

void lig_added_index_free(LigAddedIndex *index)
{
    lig_free(index->entries);
    lig_trie_free(&index->trie);
    lig_text_free(&index->normalised);
    *index = (LigAddedIndex){0};
}

static bool is_word_at(LigStr text, size_t at)
{
    return lig_utf8_is_word(lig_utf8_next(lig_str_skip(text, at)).code_point);
}

static bool touches_word(LigStr text, size_t begin, size_t end)
{
    LigStr before = {text.data, begin};
    if (begin > 0 && is_word_at(text, begin - lig_utf8_last_bytes(before))) return true;
    return end < text.length && is_word_at(text, end);
}

// The longest entry at a place, or NULL.
static const LigAddedEntry *entry_at(const LigAddedIndex *index, bool special, LigStr text, size_t at)
{
    const LigAddedEntry *found = NULL;
    uint32_t node = 0;
    for (; at < text.length; at++) {
        node = lig_trie_step(index->trie.nodes, index->trie.count, node, (uint8_t)text.data[at]);
        if (node == LIG_TRIE_NONE) break;
        const int32_t id = index->trie.nodes[node].id;
        if (id == LIG_TOKEN_NONE) continue;
        if (special || !(index->entries[id].added.flags & LIG_ADDED_SPECIAL)) found = &index->entries[id];
    }
    return found;
}

static LigAddedMatch widen(const LigAddedEntry *entry, LigStr text, size_t from, size_t at)
{
    LigAddedMatch match = {(int32_t)entry->added.id, at, at + entry->text.length};
    while (entry->added.flags & LIG_ADDED_LSTRIP && match.begin > from) {
        size_t bytes = lig_utf8_last_bytes((LigStr){text.data, match.begin});
        LigStr last = lig_str_skip((LigStr){text.data, match.begin}, match.begin - bytes);
        if (!lig_utf8_is_space(lig_utf8_next(last).code_point)) break;
        match.begin -= bytes;
    }
    while (entry->added.flags & LIG_ADDED_RSTRIP && match.end < text.length) {
        LigUtf8Char next = lig_utf8_next(lig_str_skip(text, match.end));
        if (!lig_utf8_is_space(next.code_point)) break;
        match.end += next.bytes;
    }
    return match;
}

bool lig_added_find(const LigAddedIndex *index, bool special, LigStr text, size_t from, LigAddedMatch *out)
{
    if (index->count == 0) return false;
    for (size_t at = from; at < text.length; at++) {
        if (!index->starts[(uint8_t)text.data[at]]) continue;
        const LigAddedEntry *entry = entry_at(index, special, text, at);
        if (!entry) continue;
        if (entry->added.flags & LIG_ADDED_SINGLE_WORD && touches_word(text, at, at + entry->text.length)) {
            at += entry->text.length - 1; // as in Transformers, what it covers is not looked at again
            continue;
        }
        *out = widen(entry, text, from, at);
        return true;
    }
    return false;
}
