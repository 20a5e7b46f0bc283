// Finding added tokens in text: leftmost first, of those at one place the longest.
#ifndef LIG_TEXT_ADDED_H
#define LIG_TEXT_ADDED_H

#include "runtime/text/image.h"

typedef struct LigAddedQuery {
    bool normalized;    // tokens with LIG_ADDED_NORMALIZED, or those without
    bool parse_special; // special tokens too
} LigAddedQuery;

typedef struct LigAddedMatch {
    int32_t id;
    size_t begin, end; // what it takes of the text, with the white space it swallows
} LigAddedMatch;

// For each first byte, where its candidates begin in a list by falling length.
typedef struct LigAddedIndex {
    uint32_t starts[257];
    uint32_t *entries; // indices into image->added
} LigAddedIndex;

// Errors: NO_MEMORY.
LigStatus lig_added_index_build(LigContext *ctx, const LigImage *image, LigAddedIndex *out) LIG_MUST_CHECK;
void lig_added_index_free(LigAddedIndex *index);

// The first added token in `text` (valid UTF-8) at or after `from`; what lies before `from` is context.
bool lig_added_find(const LigImage *image, const LigAddedIndex *index, LigAddedQuery query, LigStr text,
                    size_t from, LigAddedMatch *out);

#endif
