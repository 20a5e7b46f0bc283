// Finding added tokens in text: leftmost first, of those at one place the longest.
#ifndef LIG_TEXT_ADDED_H
#define LIG_TEXT_ADDED_H

#include "runtime/text/normalise.h"
#include "runtime/text/tokenizer.h"
#include "runtime/text/trie.h"

typedef struct LigAddedEntry {
    LigStr text; // what is looked for
    LigImageAdded added;
} LigAddedEntry;

// The tokens that are looked for in the text as it is, or in the normalised one.
typedef struct LigAddedIndex {
    LigAddedEntry *entries; // by id
    size_t count;
    LigTrie trie;       // of the texts; its ids are places in the entries
    bool starts[256];   // whether an entry begins with the byte
    LigText normalised; // texts of entries
} LigAddedIndex;

// Of the tokens with LIG_ADDED_NORMALIZED, whose texts `normaliser` makes, or (NULL) of those without.
// Errors: those of lig_normaliser_run, NO_MEMORY.
LigStatus lig_added_index_build(LigContext *ctx, const LigImage *image, LigNormaliser *normaliser,
                                LigAddedIndex *out) LIG_MUST_CHECK;
void lig_added_index_free(LigAddedIndex *index);

// What is looked for for the token; empty when it is not in the index.
LigStr lig_added_text(const LigAddedIndex *index, int32_t id);

// The first added token in `text` (valid UTF-8) at or after `from`; what lies before `from` is context. Special
// tokens count only with `special`.
bool lig_added_find(const LigAddedIndex *index, bool special, LigStr text, size_t from, LigAddedMatch *out);

#endif
