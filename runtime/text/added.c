#include "runtime/text/added.h"

#include "ir/base/alloc.h"
#include "runtime/text/utf8.h"

#include <string.h>

static LigStr added_text(const LigImage *image, uint32_t entry)
{
    return lig_image_token(image, (int32_t)image->added[entry].id);
}

LigStatus lig_added_index_build(LigContext *ctx, const LigImage *image, LigAddedIndex *out)
{
    *out = (LigAddedIndex){0};
    out->entries = lig_alloc((image->added_count + 1) * sizeof *out->entries);
    if (!out->entries) return lig_no_memory(ctx);
    uint32_t ends[256] = {0};
    for (uint32_t i = 0; i < image->added_count; i++) ends[(uint8_t)added_text(image, i).data[0]]++;
    for (int byte = 0; byte < 256; byte++) {
        out->starts[byte + 1] = out->starts[byte] + ends[byte];
        ends[byte] = out->starts[byte];
    }
    for (uint32_t i = 0; i < image->added_count; i++) // longest first in the image, so also here
        out->entries[ends[(uint8_t)added_text(image, i).data[0]]++] = i;
    return LIG_OK;
}

void lig_added_index_free(LigAddedIndex *index)
{
    lig_free(index->entries);
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

static bool fits(const LigImage *image, const LigImageAdded *added, LigAddedQuery query, LigStr text, size_t at)
{
    if (((added->flags & LIG_ADDED_NORMALIZED) != 0) != query.normalized) return false;
    if (added->flags & LIG_ADDED_SPECIAL && !query.parse_special) return false;
    LigStr token = lig_image_token(image, (int32_t)added->id);
    if (!lig_str_starts_with(lig_str_skip(text, at), token)) return false;
    return !(added->flags & LIG_ADDED_SINGLE_WORD) || !touches_word(text, at, at + token.length);
}

static LigAddedMatch widen(const LigImage *image, const LigImageAdded *added, LigStr text, size_t from,
                           size_t at)
{
    LigAddedMatch match = {(int32_t)added->id, at, at + lig_image_token(image, (int32_t)added->id).length};
    while (added->flags & LIG_ADDED_LSTRIP && match.begin > from) {
        size_t bytes = lig_utf8_last_bytes((LigStr){text.data, match.begin});
        LigStr last = lig_str_skip((LigStr){text.data, match.begin}, match.begin - bytes);
        if (!lig_utf8_is_space(lig_utf8_next(last).code_point)) break;
        match.begin -= bytes;
    }
    while (added->flags & LIG_ADDED_RSTRIP && match.end < text.length) {
        LigUtf8Char next = lig_utf8_next(lig_str_skip(text, match.end));
        if (!lig_utf8_is_space(next.code_point)) break;
        match.end += next.bytes;
    }
    return match;
}

bool lig_added_find(const LigImage *image, const LigAddedIndex *index, LigAddedQuery query, LigStr text,
                    size_t from, LigAddedMatch *out)
{
    for (size_t at = from; at < text.length; at++) {
        uint8_t first = (uint8_t)text.data[at];
        for (uint32_t i = index->starts[first]; i < index->starts[first + 1]; i++) {
            const LigImageAdded *added = &image->added[index->entries[i]];
            if (!fits(image, added, query, text, at)) continue;
            *out = widen(image, added, text, from, at);
            return true;
        }
    }
    return false;
}
