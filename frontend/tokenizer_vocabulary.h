// What the readers of tokenizer files share: a vocabulary by its spelling in the file, and merges over it.
#ifndef LIG_FRONTEND_TOKENIZER_VOCABULARY_H
#define LIG_FRONTEND_TOKENIZER_VOCABULARY_H

#include "ir/base/map.h"
#include "ir/base/vec.h"
#include "runtime/text/image.h"

// Far above any vocabulary; keeps a damaged id from asking for the memory of a city.
enum { LIG_MAX_TOKENS = 1 << 24 };

typedef struct LigVocabulary {
    LigContext *ctx;
    LigArena *arena;
    const char *path;   // for messages
    bool is_byte_level; // tokens are spelled in the byte-level alphabet
    LigStr joint; // BPE: what a right side begins with and its union leaves out (continuing_subword_prefix)
    LigMap ids;   // spelling -> id + 1
    LigStr *spellings; // [token_count], as in the file; data = NULL: none, or a repetition of an earlier one
    LigStr *tokens;    // [token_count] bytes; data = NULL: no such token
    size_t token_count;
    uint8_t *unmatched; // [token_count] as in LigTokenizerSpec
    double *scores;     // [token_count] as in LigTokenizerSpec
    LIG_VEC(LigMergeSpec) merges;
    LIG_VEC(LigAddedSpec) added;
} LigVocabulary;

// Room for ids below `count` (checked against LIG_MAX_TOKENS). Errors: INVALID, NO_MEMORY.
LigStatus lig_vocabulary_init(LigVocabulary *vocabulary, size_t count) LIG_MUST_CHECK;
// A token as the file spells it. The first of two with the same spelling counts.
LigStatus lig_vocabulary_put(LigVocabulary *vocabulary, int32_t id, LigStr spelling) LIG_MUST_CHECK;
// A token that is found in the text: its bytes are `content` as it stands.
LigStatus lig_vocabulary_add(LigVocabulary *vocabulary, LigAddedSpec added, LigStr content) LIG_MUST_CHECK;
// The id of a spelling, or LIG_TOKEN_NONE.
int32_t lig_vocabulary_find(const LigVocabulary *vocabulary, LigStr spelling);
// As many merges as the scores of tokens imply (SentencePiece's BPE): two tokens become the token they spell, those
// of greater score first. Errors: NO_MEMORY.
LigStatus lig_vocabulary_merge_by_score(LigVocabulary *vocabulary) LIG_MUST_CHECK;
// Two spellings that become the token spelled as both joined. Errors: INVALID (one is not in the vocabulary).
LigStatus lig_vocabulary_merge(LigVocabulary *vocabulary, LigStr left, LigStr right) LIG_MUST_CHECK;
// The same from "left right".
LigStatus lig_vocabulary_merge_line(LigVocabulary *vocabulary, LigStr line) LIG_MUST_CHECK;

#endif
