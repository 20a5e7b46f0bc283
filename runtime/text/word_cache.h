// The ids of words seen before. Text repeats its words, and a look-up costs less than any model.
//
// A fixed table: a word has one place, and the last one to come there stays. Words are short and make few ids,
// which lie in the table with their bytes; others are not kept.
#ifndef LIG_TEXT_WORD_CACHE_H
#define LIG_TEXT_WORD_CACHE_H

#include "runtime/text/tokenizer.h"

enum { LIG_CACHED_BYTES = 16, LIG_CACHED_IDS = 3 };

typedef struct LigCachedWord {
    uint64_t low, high; // the word, as lig_word_key packs it
    int32_t ids[LIG_CACHED_IDS];
    uint8_t bytes; // of the word; 0: a free place
    uint8_t count; // of the ids
    uint16_t reserved;
} LigCachedWord;

typedef struct LigWordCache {
    LigCachedWord *words;
} LigWordCache;

// Errors: NO_MEMORY.
LigStatus lig_word_cache_init(LigContext *ctx, LigWordCache *cache) LIG_MUST_CHECK;
void lig_word_cache_free(LigWordCache *cache);

// The place of a word of 1 to LIG_CACHED_BYTES bytes. It holds the word if place->bytes is not 0; else low and
// high are set, and the caller fills in ids and count, and bytes last.
LigCachedWord *lig_word_cache_find(const LigWordCache *cache, LigStr word);

#endif
